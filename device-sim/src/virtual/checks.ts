import { codeOf, decodeValue, equalBytes, lanes, type Entry } from '@holdfast/protocol';
import type { Requests } from './drive.ts';
import type { World } from './world.ts';
import { oracle } from './workload.ts';

const PAGE = 1_000;

/** Entries of the ledger, in order, by device. */
type Held = ReadonlyMap<string, readonly Entry[]>;

/**
 * What must be true once everything has healed and come to its end. What must be true at every
 * moment the witness has judged already.
 */
export async function checkEnd(world: World, requests: Requests): Promise<void> {
  const held = await readLedger(world);
  checkAcknowledged(world, requests, held);
  await checkOutcomes(world, requests);
  checkEffects(world, requests, held);
  const { faults } = await world.gateway.ledger.verify();
  for (const { device, lane, seq, why } of faults) {
    world.witness.blame('P9', device, `the ledger does not verify at ${lane} ${seq}: ${why}`);
  }
}

/** P3: the ledger is each device's journal, byte for byte, once and in order. */
async function readLedger(world: World): Promise<Held> {
  const { witness, gateway } = world;
  const held = new Map<string, Entry[]>();
  for (const { name: device } of world.machines) {
    const all: Entry[] = [];
    held.set(device, all);
    for (const lane of lanes) {
      const truth = witness.lane(device, lane).entries;
      let seq = 0;
      for (;;) {
        const page = await gateway.ledger.entries({ device, lane, after: seq, limit: PAGE });
        for (const entry of page) {
          seq += 1;
          const own = truth[seq - 1];
          if (entry.seq !== seq || own === undefined || !equalBytes(own, entry.bytes)) {
            witness.blame('P3', device, `the ledger's ${lane} ${seq} is not the journal's`);
          }
          if (entry.entry !== undefined) all.push(entry.entry);
        }
        if (page.length === 0) break;
      }
      if (seq !== truth.length) {
        witness.blame('P3', device, `the ledger has ${seq} of ${truth.length} in ${lane}`);
      }
    }
  }
  return held;
}

/** P1: what was acknowledged to a caller is there; what was not is there once at most. */
function checkAcknowledged({ witness }: World, requests: Requests, held: Held): void {
  const started = new Map<string, number>();
  const emitted = new Map<string, number>();
  const count = (counts: Map<string, number>, id: string) =>
    counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const entry of [...held.values()].flat()) {
    if (entry.kind === 'run.started') count(started, entry.run);
    if (entry.kind !== 'event.emitted' || entry.run !== '') continue;
    const { id } = decodeValue(entry.payload) as { readonly id: string };
    count(emitted, id);
  }
  for (const [what, asked, counts] of [
    ['run', requests.runs, started],
    ['event', requests.events, emitted],
  ] as const) {
    for (const [id, { device, isAcknowledged }] of asked) {
      const times = counts.get(id) ?? 0;
      if (isAcknowledged && times === 0) witness.blame('P1', device, `${what} ${id} is lost`);
      if (times > 1) witness.blame('P1', device, `${what} ${id} is there ${times} times`);
    }
  }
}

/** P2: every run has come to the end that its input alone says. */
async function checkOutcomes({ machines, witness }: World, requests: Requests): Promise<void> {
  const byName = new Map(machines.map((machine) => [machine.name, machine]));
  for (const [id, { device, what, isAcknowledged }] of requests.runs) {
    const parts = byName.get(device)?.agent.life?.parts;
    if (parts === undefined) continue;
    try {
      const number = await parts.runtime.numberOf(id);
      const result = await parts.inspector.result(number);
      const expected = oracle[what.workflow]?.(what.order);
      if (JSON.stringify(result) === JSON.stringify(expected)) continue;
      witness.blame('P2', device, `${id} gave ${JSON.stringify(result)}`);
    } catch (error) {
      const isGone = codeOf(error) === 'HF_RUN_UNKNOWN';
      // Retention has taken it, or it was never there: the ledger has said which.
      if (isGone) continue;
      const state = await parts.inspector.run(id).catch(() => undefined);
      if (isAcknowledged || state !== undefined) {
        witness.blame('P2', device, `${id} is ${state?.state} at ${state?.at}: ${String(error)}`);
      }
    }
  }
}

/** P5, P6, P12: effects outside have happened as often as promised, and no sleep ended early. */
function checkEffects({ outside, witness }: World, requests: Requests, held: Held): void {
  for (const [order, keys] of outside.charges) {
    const device = requests.runs.get(order)?.device ?? '';
    if (keys.size > 1) witness.blame('P5', device, `${order} is charged ${keys.size} times`);
  }
  for (const [device, entries] of held) {
    const receipts = entries.flatMap((entry) =>
      entry.kind === 'call.completed' || entry.kind === 'call.failed'
        ? [`${entry.run}/${entry.op}`]
        : [],
    );
    if (new Set(receipts).size !== receipts.length) {
      witness.blame('P6', device, 'the result of a call was applied twice');
    }
    for (const entry of entries) {
      if (entry.kind !== 'run.failed' && entry.kind !== 'run.stuck') continue;
      witness.blame('P2', device, `${entry.run} has ${entry.kind}`);
    }
  }
  for (const { run, dueMs, wokeMs } of outside.naps) {
    if (wokeMs >= dueMs - 1) continue;
    const device = requests.runs.get(run)?.device ?? '';
    witness.blame('P12', device, `${run} woke ${Math.round(dueMs - wokeMs)} ms too early`);
  }
}
