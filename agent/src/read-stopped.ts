import { factsOf } from './agent-facts.ts';
import type { AgentOptions } from './agent-options.ts';
import { AgentReaderCore } from './core/agent-surface.ts';
import { Inspector } from './core/inspect.ts';
import { RunStore } from './core/run-store.ts';
import { storedSchedules } from './core/schedules.ts';
import type { AgentReader, SendBytes } from './core/surface.ts';
import { openExisting } from './io/data-dir.ts';
import { sendSnapshot } from './io/snapshot-file.ts';
import { userKeyOf } from './io/store-key.ts';
import { systemClock } from './io/system-clock.ts';
import { openJournal } from './open-journal.ts';

/** What can be told of a data directory whose agent does not run. Changes nothing. */
export async function readStopped(
  dataDir: string,
  storeKey?: AgentOptions['storeKey'],
): Promise<{
  readonly surface: AgentReader;
  close(): Promise<void>;
}> {
  const dir = await openExisting(dataDir, { storeKey: userKeyOf(storeKey) });
  try {
    const journal = await openJournal(dir);
    const store = new RunStore(dir.store, journal);
    const inspector = new Inspector({ journal, store, resident: () => undefined });
    const process = { pid: null, startedAtMs: null, gateway: null, recreated: false };
    const facts = factsOf(dir, process);
    const counts = () => inspector.counts();
    const schedulesView = () => storedSchedules(dir.device, dir.store);
    const snapshot = (send: SendBytes) => sendSnapshot(dir, send);
    const told = { counts, schedulesView, snapshot, link: () => undefined };
    const parts = { facts, clock: systemClock, journal, inspector, ...told };
    return { surface: new AgentReaderCore(parts), close: () => dir.release() };
  } catch (error) {
    await dir.release();
    throw error;
  }
}
