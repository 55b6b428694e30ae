/** Versions of MQTT that both ends speak; each end chooses its own. */
export const mqttVersions = ['3.1.1', '5'] as const;
export type MqttVersion = (typeof mqttVersions)[number];

/** What CONNECT calls the version. */
export function mqttLevel(version: MqttVersion): 4 | 5 {
  return version === '5' ? 5 : 4;
}
