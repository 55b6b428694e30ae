import { parseTopic, topicOf } from '@holdfast/protocol';

/** What a device may do at a broker: the same at each that asks. */

const CLIENT_PREFIX = 'hf-';

/** The device that a client id claims to be; `undefined`: none can be. */
export function deviceOfClient(clientId: string): string | undefined {
  if (!clientId.startsWith(CLIENT_PREFIX)) return undefined;
  return parseTopic(topicOf(clientId.slice(CLIENT_PREFIX.length), 'up'))?.device;
}

export interface Publication {
  readonly topic: string;
  readonly qos: number;
}

/** To its own topics, but not to the one that it is told things by. */
export function mayPublish(device: string, { topic, qos }: Publication): boolean {
  const target = parseTopic(topic);
  const isOwn = target !== undefined && target.device === device;
  // Where levels mix on the way to one subscriber, the broker drops some of those of level 1.
  return isOwn && target.channel !== 'down' && qos === 1;
}

/** To that topic, and to no pattern that it would match. */
export function maySubscribe(device: string, topic: string): boolean {
  return topic === topicOf(device, 'down');
}
