import { messageOf, type Log } from '@holdfast/protocol';
import { agentVersion } from './agent-version.ts';
import {
  availabilityTopic,
  BIRTH_TOPIC,
  discovery,
  stateOf,
  stateTopic,
} from './core/home-assistant.ts';
import type { AgentSurface } from './core/surface.ts';
import { forgetKept, KeptMessages } from './io/kept-messages.ts';

export interface HomeAssistantOptions {
  /** Of the broker that Home Assistant uses: `mqtt://[user@]host:port` or `mqtts://…`. */
  readonly url: string;
  readonly password?: string;
  readonly device: string;
  readonly surface: Pick<AgentSurface, 'status'>;
  readonly log: Log;
  /** How often to look whether anything is different. Default 10 s. */
  readonly everyMs?: number;
  /** How long after a connection was lost, or did not come, the next is tried. Default 10 s. */
  readonly retryMs?: number;
}

/**
 * Shows a device in Home Assistant, which discovers it: the link, the backlog, stuck runs,
 * problems. Resolves once it has begun; a broker that is away is tried again without an end.
 *
 * @returns What ends it, and has it shown as unavailable.
 */
export async function showInHomeAssistant(
  options: HomeAssistantOptions,
): Promise<() => Promise<void>> {
  const { url, password, device, surface, log, everyMs = 10_000, retryMs } = options;
  const kept = new KeptMessages({
    ...{ url, log, availabilityTopic: availabilityTopic(device), birthTopic: BIRTH_TOPIC },
    ...(password === undefined ? {} : { password }),
    ...(retryMs === undefined ? {} : { retryMs }),
  });
  for (const { topic, payload } of discovery(device, agentVersion)) kept.put(topic, payload);
  const show = async () => kept.put(stateTopic(device), stateOf(await surface.status()));
  const timer = setInterval(() => {
    show().catch((error: unknown) => log.error('Home Assistant', { why: messageOf(error) }));
  }, everyMs);
  await show();
  return async () => {
    clearInterval(timer);
    await kept.close();
  };
}

/**
 * Has Home Assistant, and its broker, forget a device. A broker that is away is tried without an
 * end, until it is closed.
 */
export function leaveHomeAssistant({
  device,
  ...options
}: Pick<HomeAssistantOptions, 'device' | 'url' | 'password' | 'log' | 'retryMs'>): {
  readonly done: Promise<void>;
  close(): Promise<void>;
} {
  const configs = discovery(device, agentVersion).map(({ topic }) => topic);
  return forgetKept([...configs, stateTopic(device), availabilityTopic(device)], options);
}
