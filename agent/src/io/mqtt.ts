// The MQTT client in one place. Only what connects loads it, when it does: it is as much as half of
// all else that an agent starts with.
export { ErrorWithReasonCode, MqttClient, UniqueMessageIdProvider, connect } from 'mqtt';
export type { IClientOptions } from 'mqtt';
