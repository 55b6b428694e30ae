// The MQTT client in one place: the build puts all that it needs into the compiled form of this
// file. A process that loads one file instead of a hundred starts sooner.
export { UniqueMessageIdProvider, connect } from 'mqtt';
export type { IClientOptions, MqttClient } from 'mqtt';
