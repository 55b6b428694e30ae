import { durationMs } from '@holdfast/protocol';
import type { AgentOptions } from './agent-options.ts';
import type { ConditionOf } from './core/conditions.ts';
import type { Uplink } from './core/uplink-shell.ts';
import { isReachable, reachableAddress } from './io/reachable.ts';

const CONDITION_EVERY = '5s';

/** What steps can wait for, by name: the program's own, `online` and `reachable(host:port)`. */
export function conditionsOf(options: AgentOptions, uplink: () => Uplink | undefined): ConditionOf {
  const everyMs = durationMs(CONDITION_EVERY);
  return (name) => {
    const own = options.conditions?.[name];
    if (own !== undefined) {
      return { check: own.check, everyMs: durationMs(own.every ?? CONDITION_EVERY) };
    }
    const online: ReadonlySet<unknown> = new Set(['synced', 'syncing']);
    if (name === 'online') return { check: () => online.has(uplink()?.state().state), everyMs };
    const address = reachableAddress(name);
    return address && { check: () => isReachable(address), everyMs };
  };
}
