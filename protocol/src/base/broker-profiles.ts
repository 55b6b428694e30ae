import { HoldfastError } from './errors.ts';

/** What a broker takes from one client. docs/guides/brokers.md names where each figure is from. */
export interface BrokerProfile {
  /** Bytes of one payload. */
  readonly messageBytesMax: number;
  /** Publishes of one client that it has not acknowledged. */
  readonly inflightMax: number;
  /** …and their bytes. Infinite: any number. */
  readonly inflightBytesMax: number;
  /** Publishes of one client in a second; above it they are dropped. Infinite: any number. */
  readonly publishesPerS: number;
  /** Bytes of one connection in a second. Infinite: any number. */
  readonly bytesPerS: number;
  /** Longest time that a client may be silent, s. */
  readonly keepaliveSMax: number;
  /** Characters of a client id. */
  readonly clientIdLengthMax: number;
  /** Levels of a topic: ours have four. */
  readonly topicLevelsMax: number;
  /** Messages that it keeps for one client; beyond it they are dropped, or the client is. */
  readonly queuedMax: number;
}

const unlimited = Number.POSITIVE_INFINITY;

const profiles = {
  /** What every broker in use takes. */
  generic: {
    ...{ messageBytesMax: 60 * 1024, inflightMax: 10, inflightBytesMax: unlimited },
    ...{ publishesPerS: unlimited, bytesPerS: unlimited, keepaliveSMax: 1_160 },
    ...{ clientIdLengthMax: 67, topicLevelsMax: 7, queuedMax: 100 },
  },
  /** AWS IoT Core, of one connection. */
  aws: {
    ...{ messageBytesMax: 128 * 1024, inflightMax: 100, inflightBytesMax: unlimited },
    ...{ publishesPerS: 100, bytesPerS: 512 * 1024, keepaliveSMax: 1_200, clientIdLengthMax: 128 },
    ...{ topicLevelsMax: 8, queuedMax: 100 },
  },
  /** The MQTT broker of Azure Event Grid, of one session. */
  'azure-eventgrid': {
    ...{ messageBytesMax: 512 * 1024, inflightMax: 16, inflightBytesMax: 64 * 1024 },
    ...{ publishesPerS: 100, bytesPerS: 1024 * 1024, keepaliveSMax: 1_160, clientIdLengthMax: 128 },
    ...{ topicLevelsMax: 8, queuedMax: 100 },
  },
  /** With the limits that it is delivered with, as the two below. */
  emqx: {
    ...{ messageBytesMax: 1024 * 1024, inflightMax: 32, inflightBytesMax: unlimited },
    ...{ publishesPerS: unlimited, bytesPerS: unlimited },
    ...{ keepaliveSMax: 65_535, clientIdLengthMax: 65_535, topicLevelsMax: 128, queuedMax: 1_000 },
  },
  hivemq: {
    ...{ messageBytesMax: 256 * 1024 * 1024, inflightMax: 10, inflightBytesMax: unlimited },
    ...{ publishesPerS: unlimited, bytesPerS: unlimited },
    ...{ keepaliveSMax: 65_535, clientIdLengthMax: 65_535 },
    ...{ topicLevelsMax: unlimited, queuedMax: 1_000 },
  },
  /** From version 2.1 on 2,000,000 bytes of a packet. */
  mosquitto: {
    ...{ messageBytesMax: 1_900_000, inflightMax: 20, inflightBytesMax: unlimited },
    ...{ publishesPerS: unlimited, bytesPerS: unlimited },
    ...{ keepaliveSMax: 65_535, clientIdLengthMax: 65_535, topicLevelsMax: 200, queuedMax: 1_000 },
  },
} as const satisfies Readonly<Record<string, BrokerProfile>>;

export type BrokerProfileName = keyof typeof profiles;

export const brokerProfileNames = Object.keys(profiles) as readonly BrokerProfileName[];

/** @throws HF_CONFIG_INVALID for a name that is none of `brokerProfileNames`. */
export function brokerProfile(name: string): BrokerProfile {
  const found = brokerProfileNames.find((each) => each === name);
  if (found !== undefined) return profiles[found];
  const why = `there is no broker profile ${name}, only ${brokerProfileNames.join(', ')}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}
