import { durationMs } from '@holdfast/protocol';
import type { AgentOptions } from './agent-options.ts';
import type { ConditionOf } from './core/conditions.ts';
import type { LinkState } from './core/views.ts';
import { isReachable, reachableAddress } from './io/reachable.ts';

const CONDITION_EVERY = '5s';
const online: ReadonlySet<unknown> = new Set<LinkState>(['synced', 'syncing']);

/** Of the uplink, what conditions look at. */
interface Linked {
  state(): { readonly state: LinkState };
}

/**
 * What steps can wait for, by name: the program's own, `online`, `unmetered` and
 * `reachable(host:port)`.
 */
export function conditionsOf(
  options: Pick<AgentOptions, 'conditions' | 'metered'>,
  uplink: () => Linked | undefined,
): ConditionOf {
  const everyMs = durationMs(CONDITION_EVERY);
  return (name) => {
    const own = options.conditions?.[name];
    if (own !== undefined) {
      return { check: own.check, everyMs: durationMs(own.every ?? CONDITION_EVERY) };
    }
    const isOnline = () => online.has(uplink()?.state().state);
    if (name === 'online') return { check: isOnline, everyMs };
    if (name === 'unmetered') {
      // What the link costs is known by its settings alone.
      return { check: () => options.metered === undefined && isOnline(), everyMs };
    }
    const address = reachableAddress(name);
    return address && { check: () => isReachable(address), everyMs };
  };
}
