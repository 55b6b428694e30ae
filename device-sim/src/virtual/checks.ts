import { sha256 } from '@holdfast/agent/internal';
import { wholeValue, type LedgerEntry } from '@holdfast/gateway/internal';
import {
  NO_BYTES,
  decodeValue,
  equalBytes,
  isParted,
  lanes,
  valueIn,
  type Entry,
} from '@holdfast/protocol';
import type { Requests } from './drive.ts';
import { checkOrders, type OrderCounts } from './order-checks.ts';
import type { DeviceOrders } from './orders.ts';
import type { World } from './world.ts';
import { oracle } from './workload.ts';

const PAGE = 1_000;

/** Entries of the ledger, in order, by device. */
type Held = ReadonlyMap<string, readonly Entry[]>;

/**
 * What must be true once everything has healed and come to its end. What must be true at every
 * moment the witness has judged already.
 */
export async function checkEnd(
  world: World,
  requests: Requests,
  orders: DeviceOrders,
): Promise<OrderCounts> {
  const held = await readLedger(world);
  checkAcknowledged(world, requests, held);
  await checkOutcomes(world, requests, held);
  checkHistories(world, held);
  checkEffects(world, requests, held);
  const { faults } = await world.gateway.ledger.verify();
  for (const { device, lane, seq, why } of faults) {
    world.witness.blame('P9', device, `the ledger does not verify at ${lane} ${seq}: ${why}`);
  }
  return checkOrders(world, orders, held);
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
          await checkValue(world, device, entry);
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

/** P3: a value that came in parts is the one that was journaled. */
async function checkValue({ witness, gateway }: World, device: string, stored: LedgerEntry) {
  const { lane, epoch, seq, entry } = stored;
  const value = entry === undefined ? NO_BYTES : valueIn(entry);
  if (!isParted(value)) return;
  const ports = { ledger: gateway.ledger, sha256 };
  await wholeValue(ports, { device, epoch, lane, seq }, value).catch(() =>
    witness.blame('P3', device, `the value of ${lane} ${seq} is not whole`),
  );
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
async function checkOutcomes(world: World, requests: Requests, held: Held): Promise<void> {
  const { witness, machines, time, keepMs } = world;
  const outcomes = outcomesIn(world, requests, held);
  for (const [id, { device, what, isAcknowledged }] of requests.runs) {
    const outcome = outcomes.get(id);
    if (outcome === undefined) {
      if (isAcknowledged) witness.blame('P2', device, `${id} has not ended`);
      continue;
    }
    const { workflow, order } = what;
    // What a workflow of the user's gives only the user knows.
    const expected = order === undefined ? outcome.output : oracle[workflow]?.(order);
    if (JSON.stringify(outcome.output) !== JSON.stringify(expected)) {
      witness.blame('P2', device, `${id} gave ${JSON.stringify(outcome.output)}`);
    }
    if ((witness.ended.get(id) ?? 0) < time.monoMs() - keepMs) continue;
    const parts = machines.find(({ name }) => name === device)?.agent.life?.parts;
    const known = await parts?.inspector.run(id).catch(() => undefined);
    if (known?.state !== outcome.state) witness.blame('P1', device, `${id} is forgotten`);
  }
}

interface Outcome {
  readonly state: 'completed' | 'failed';
  readonly output: unknown;
}

/** How runs have ended, by id. Only a workflow of the user's may fail. */
function outcomesIn(
  { witness }: World,
  requests: Requests,
  held: Held,
): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const [device, entries] of held) {
    for (const entry of entries) {
      if (entry.kind === 'run.completed') {
        outcomes.set(entry.run, { state: 'completed', output: decodeValue(entry.output) });
      }
      if (entry.kind !== 'run.failed' && entry.kind !== 'run.stuck') continue;
      const asked = requests.runs.get(entry.run);
      const isUsers = asked !== undefined && asked.what.order === undefined;
      if (isUsers && entry.kind === 'run.failed') {
        outcomes.set(entry.run, { state: 'failed', output: undefined });
      } else {
        witness.blame('P2', device, `${entry.run} has ${entry.kind}`);
      }
    }
  }
  return outcomes;
}

/** P3: the history of each run is there once, without a gap. */
function checkHistories({ witness }: World, held: Held): void {
  for (const [device, entries] of held) {
    const histories = new Map<string, number[]>();
    for (const entry of entries) {
      if (!('n' in entry) || entry.run === '') continue;
      const history = histories.get(entry.run) ?? [];
      histories.set(entry.run, history);
      history.push(entry.n);
    }
    for (const [run, places] of histories) {
      const isWhole = places.toSorted((a, b) => a - b).every((n, index) => n === index);
      if (!isWhole) witness.blame('P3', device, `the history of ${run} is not whole`);
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
  }
  for (const { run, dueMs, wokeMs } of outside.naps) {
    if (wokeMs >= dueMs - 1) continue;
    const device = requests.runs.get(run)?.device ?? '';
    witness.blame('P12', device, `${run} woke ${Math.round(dueMs - wokeMs)} ms too early`);
  }
}
