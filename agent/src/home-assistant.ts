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
import { KeptMessages } from './io/kept-messages.ts';

export interface HomeAssistantOptions {
  /** Of the broker that Home Assistant uses: `mqtt://[user@]host:port` or `mqtts://…`. */
  readonly url: string;
  readonly password?: string;
  readonly device: string;
  readonly surface: Pick<AgentSurface, 'status'>;
  readonly log: Log;
  /** How often to look whether anything is different. Default 10 s. */
  readonly everyMs?: number;
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
  const { url, password, device, surface, log, everyMs = 10_000 } = options;
  const kept = new KeptMessages({
    ...{ url, log, availabilityTopic: availabilityTopic(device), birthTopic: BIRTH_TOPIC },
    ...(password === undefined ? {} : { password }),
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
