import { isDeviceId } from '../base/names.ts';

/** Directions of a device's topics: `up` and `state` from it, `down` to it. */
export const channels = ['up', 'down', 'state'] as const;
export type Channel = (typeof channels)[number];

/** `holdfast/1/<device>/<channel>`: the one place that knows the form of topics. */
export function topicOf(device: string, channel: Channel): string {
  return `holdfast/1/${device}/${channel}`;
}

/** What a gateway subscribes to. */
export const gatewayTopics = ['holdfast/1/+/up', 'holdfast/1/+/state'] as const;

export function parseTopic(
  topic: string,
): { readonly device: string; readonly channel: Channel } | undefined {
  const [product, version, device, channel, ...rest] = topic.split('/');
  if (product !== 'holdfast' || version !== '1' || rest.length > 0) return undefined;
  const known = channels.find((each) => each === channel);
  if (device === undefined || known === undefined || !isDeviceId(device)) return undefined;
  return { device, channel: known };
}
