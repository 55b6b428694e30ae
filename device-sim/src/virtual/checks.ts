import { sha256 } from '@holdfast/agent/internal';
import { wholeValue, type LedgerEntry } from '@holdfast/gateway/internal';
import {
  NO_BYTES,
  decodeValue,
  isParted,
  lanes,
  valueIn,
  type Entry,
  type Lane,
} from '@holdfast/protocol';
import type { Asked, Requests } from './drive.ts';
import { LossChecks } from './loss-checks.ts';
import { checkOrders, type OrderCounts } from './order-checks.ts';
import type { DeviceOrders } from './orders.ts';
import type { JournalLife } from './journal-life.ts';
import type { World } from './world.ts';
import { oracle } from './workload.ts';

const PAGE = 1_000;

/** Entries of the ledger, in order, by device. */
type Held = ReadonlyMap<string, readonly Entry[]>;

interface LedgerRead {
  /** Of all epochs: what was ever there. */
  readonly all: Held;
  /** Of the last one: what the device goes on with. */
  readonly last: Held;
  /** Of devices that have had one epoch only. */
  readonly single: Held;
}

/**
 * What must be true once everything has healed and come to its end. What must be true at every
 * moment the witness has judged already.
 */
export async function checkEnd(
  world: World,
  requests: Requests,
  orders: DeviceOrders,
): Promise<EndCounts> {
  const losses = new LossChecks(world);
  await losses.run();
  const { hurt, looked } = losses;
  const { all, last, single } = await readLedger(world);
  checkAcknowledged(world, requests, { all, last, hurt });
  await checkOutcomes(world, requests, { all, hurt });
  checkHistories(world, last, hurt);
  checkEffects(world, requests, last);
  const { faults } = await world.gateway.ledger.verify();
  for (const { device, lane, seq, why } of faults) {
    world.witness.blame('P9', device, `the ledger does not verify at ${lane} ${seq}: ${why}`);
  }
  await world.wire.ofLedger(world.gateway.ledger, new Set(world.machines.map(({ name }) => name)));
  return { orders: await checkOrders(world, orders, single), losses: looked };
}

export interface EndCounts {
  readonly orders: OrderCounts;
  /** Entries that were looked for. */
  readonly losses: number;
}

/** P3: the ledger is each device's journal, byte for byte, once and in order. */
async function readLedger(world: World): Promise<LedgerRead> {
  const all = new Map<string, readonly Entry[]>();
  const newest = new Map<string, readonly Entry[]>();
  const single = new Map<string, readonly Entry[]>();
  for (const { name: device } of world.machines) {
    const last = world.witness.lifeOf(device);
    const epochs = await world.gateway.ledger.epochs(device);
    const ever: Entry[] = [];
    for (const { epoch } of epochs) {
      const held: Entry[] = [];
      for (const lane of lanes) {
        for (const entry of await readLane(world, { device, epoch, lane }, last)) held.push(entry);
      }
      for (const entry of held) ever.push(entry);
      if (epoch === last.epoch) newest.set(device, epochs.length === 1 ? ever : held);
    }
    all.set(device, ever);
    const isWhole = epochs.length === 1 && !world.witness.rotten.has(device);
    if (isWhole) single.set(device, ever);
  }
  return { all, last: newest, single };
}

/** What the ledger has of a lane must be one of its histories; of the life that is, all of it. */
async function readLane(
  world: World,
  place: { readonly device: string; readonly epoch: number; readonly lane: Lane },
  last: JournalLife,
): Promise<Entry[]> {
  const { witness, gateway } = world;
  const { device, epoch, lane } = place;
  const lives = epoch === last.epoch ? [last] : witness.livesOf(place);
  let histories = lives.map((life) => life.lanes[lane].entries);
  const held: Entry[] = [];
  let seq = 0;
  for (;;) {
    const page = await gateway.ledger.entries({ ...place, after: seq, limit: PAGE });
    for (const entry of page) {
      if (entry.seq > seq + 1 && (await isHole(world, place, seq + 1))) seq = entry.seq - 1;
      seq += 1;
      const isIn = (own: readonly Uint8Array[]): boolean =>
        Buffer.compare(own[seq - 1] ?? NO_BYTES, entry.bytes) === 0;
      if (!histories.every(isIn)) histories = histories.filter(isIn);
      if (entry.seq !== seq || histories.length === 0) {
        witness.blame('P3', device, `the ledger's ${lane} ${seq} is not the journal's`);
        return held;
      }
      if (entry.entry !== undefined) held.push(entry.entry);
      await checkValue(world, device, entry);
    }
    if (page.length === 0) break;
  }
  const length = last.lanes[lane].entries.length;
  if (epoch === last.epoch && seq !== length && !(await isHole(world, place, seq + 1))) {
    witness.blame('P3', device, `the ledger has ${seq} of ${length} in ${lane}`);
  }
  return held;
}

/** Whether the ledger knows that entries from here on will not come. P4 judges whether it may. */
async function isHole(
  { gateway, witness }: World,
  place: { readonly device: string; readonly epoch: number; readonly lane: Lane },
  seq: number,
): Promise<boolean> {
  if (!witness.rotten.has(place.device)) return false;
  const [hole] = await gateway.ledger.holes({ ...place, after: seq - 1, limit: 1 });
  return hole?.seqFirst === seq;
}

/** P3: a value that came in parts is the one that was journaled. */
async function checkValue({ witness, gateway }: World, device: string, stored: LedgerEntry) {
  const { lane, epoch, seq, entry } = stored;
  const value = entry === undefined ? NO_BYTES : valueIn(entry);
  // Parts of it may be among what is damaged.
  if (!isParted(value) || witness.rotten.has(device)) return;
  const ports = { ledger: gateway.ledger, sha256 };
  await wholeValue(ports, { device, epoch, lane, seq }, value).catch(() =>
    witness.blame('P3', device, `the value of ${lane} ${seq} is not whole`),
  );
}

/** P1: what was acknowledged to a caller is there; what was not is there once at most. */
function checkAcknowledged(
  world: World,
  requests: Requests,
  { all, last, hurt }: Pick<LedgerRead, 'all' | 'last'> & { readonly hurt: ReadonlySet<string> },
): void {
  const { witness } = world;
  const ever = countsIn(all);
  const isOneLife = [...all].every(([device, entries]) => last.get(device) === entries);
  const now = isOneLife ? ever : countsIn(last);
  for (const what of ['runs', 'events'] as const) {
    for (const [id, asked] of requests[what]) {
      const { device, isAcknowledged } = asked;
      const isKept = isAcknowledged && !isForgotten(world, asked) && !hurt.has(id);
      if (isKept && !ever[what].has(id)) witness.blame('P1', device, `${id} is lost`);
      const times = now[what].get(id) ?? 0;
      if (times > 1) witness.blame('P1', device, `${id} is there ${times} times`);
    }
  }
}

/** How often each run was started and each event emitted, by id. */
function countsIn(held: Held): Readonly<Record<'runs' | 'events', ReadonlyMap<string, number>>> {
  const [runs, events] = [new Map<string, number>(), new Map<string, number>()];
  const count = (counts: Map<string, number>, id: string) =>
    counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const entry of [...held.values()].flat()) {
    if (entry.kind === 'run.started') count(runs, entry.run);
    if (entry.kind !== 'event.emitted' || entry.run !== '') continue;
    const { id } = decodeValue(entry.payload) as { readonly id: string };
    count(events, id);
  }
  return { runs, events };
}

/** What was said before a disk was set back to a time before it, that disk has never heard. */
function isForgotten({ setBack }: World, { device, atMs }: Asked<unknown>): boolean {
  return setBack.some((each) => each.device === device && atMs > each.sinceMs && atMs <= each.atMs);
}

/** P2: every run has come to the end that its input alone says. */
async function checkOutcomes(
  world: World,
  requests: Requests,
  { all, hurt }: { readonly all: Held; readonly hurt: ReadonlySet<string> },
): Promise<void> {
  const { witness, machines, time, keepMs } = world;
  const outcomes = outcomesIn(world, requests, { all, hurt });
  for (const [id, asked] of requests.runs) {
    const { device, what, isAcknowledged } = asked;
    if (isForgotten(world, asked) || hurt.has(id)) continue;
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
  { all, hurt }: { readonly all: Held; readonly hurt: ReadonlySet<string> },
): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const [device, entries] of all) {
    for (const entry of entries) {
      if (entry.kind === 'run.completed') {
        outcomes.set(entry.run, { state: 'completed', output: decodeValue(entry.output) });
      }
      if (entry.kind !== 'run.failed' && entry.kind !== 'run.stuck') continue;
      // It is what a run does that has to read what is damaged.
      if (hurt.has(entry.run)) continue;
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
function checkHistories({ witness }: World, held: Held, hurt: ReadonlySet<string>): void {
  for (const [device, entries] of held) {
    const histories = new Map<string, number[]>();
    for (const entry of entries) {
      if (!('n' in entry) || entry.run === '' || hurt.has(entry.run)) continue;
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
