import type { HoldfastError } from '@holdfast/protocol';
import type { Engine } from './engine.ts';
import { recordOf } from './run-journal.ts';
import { layout } from './run-store.ts';
import type { Run } from './run.ts';

/**
 * Notes that a run is stuck, and puts it away until a person looks. What is known of it already is
 * not journaled again. Durable once it resolves.
 */
export async function noteStuck(engine: Engine, run: Run, why: HoldfastError): Promise<void> {
  const { ports, states, journal, runJournal, residents } = engine;
  const { number } = run.facts;
  const known = run.progress.stuck;
  const reason = why.message.slice(0, 1_024);
  ports.log.error('run is stuck', { run: run.id, code: why.code, why: why.message });
  states.set(number, 'stuck');
  run.parked = false;
  const record = layout.openRecord(number, recordOf(run, 'stuck'));
  if (known?.code === why.code && known.reason === reason) {
    await journal.append([], () => [record]);
  } else {
    const body = { kind: 'run.stuck', code: why.code, reason } as const;
    await runJournal.append(run, body, { ops: [record] });
  }
  residents.evict(run);
}
