import type { Clock } from '@holdfast/protocol';
import type { Session } from './session-state.ts';

/** A device that was not heard for so long has no session; its next message makes one. */
const SILENT_MS = 3_600_000;

/** The names of the devices of which nothing has to be remembered. */
function silentOf(sessions: ReadonlyMap<string, Session>, nowMs: number): readonly string[] {
  return [...sessions.values()]
    .filter(({ ingesting, lastSeenAtMs }) => ingesting === 0 && nowMs - lastSeenAtMs > SILENT_MS)
    .map(({ device }) => device);
}

/**
 * Forgets devices that were not heard for long, again and again: of a ledger that several gateways
 * share, each hears of all devices in time, and there may be millions. @returns Stops.
 */
export function forgetSilent(
  sessions: ReadonlyMap<string, Session>,
  clock: Clock,
  forget: (device: string) => void,
): () => void {
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = clock.wakeIn(SILENT_MS / 4, () => {
      silentOf(sessions, clock.nowMs()).forEach(forget);
      wait();
    });
  };
  wait();
  return () => cancel();
}
