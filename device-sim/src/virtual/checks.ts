import { decodeValue } from '@holdfast/protocol';
import type { Asked, Requests } from './drive.ts';
import { eventId } from './event-ids.ts';
import { readLedger, type HeldOfAll } from './ledger-checks.ts';
import { LossChecks } from './loss-checks.ts';
import { checkOrders, type OrderCounts } from './order-checks.ts';
import type { DeviceOrders } from './orders.ts';
import type { World } from './world.ts';
import { oracle } from './workload.ts';

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
  await world.times.ofLedger(world.gateway.ledger, single);
  return { orders: await checkOrders(world, orders, single), losses: looked };
}

export interface EndCounts {
  readonly orders: OrderCounts;
  /** Entries that were looked for. */
  readonly losses: number;
}

/** P1: what was acknowledged to a caller is there; what was not is there once at most. */
function checkAcknowledged(
  world: World,
  requests: Requests,
  {
    all,
    last,
    hurt,
  }: {
    readonly all: HeldOfAll;
    readonly last: HeldOfAll;
    readonly hurt: ReadonlySet<string>;
  },
): void {
  const judge = (asked: Asked<unknown>, nameOf: () => string, times: Times): void => {
    const { device, isAcknowledged } = asked;
    if (times.now > 1) world.witness.blame('P1', device, `${nameOf()} is there ${times.now} times`);
    if (times.ever > 0 || !isAcknowledged || isForgotten(world, asked)) return;
    if (!hurt.has(nameOf())) world.witness.blame('P1', device, `${nameOf()} is lost`);
  };
  const ever = startsIn(all);
  const now = startsIn(last);
  for (const [id, asked] of requests.runs) {
    judge(asked, () => id, { ever: ever.get(id) ?? 0, now: now.get(id) ?? 0 });
  }
  for (const [device, events] of requests.events) {
    const [before, after] = [all.get(device)?.events ?? [], last.get(device)?.events ?? []];
    for (const [index, asked] of events.entries()) {
      const number = index + 1;
      const times = { ever: before[number] ?? 0, now: after[number] ?? 0 };
      // Nearly all are there once.
      if (times.ever === 0 || times.now > 1) judge(asked, () => eventId(device, number), times);
    }
  }
}

/** How often something is there: in all epochs, and in the one that counts. */
interface Times {
  readonly ever: number;
  readonly now: number;
}

/** How often each run was started, by id. */
function startsIn(held: HeldOfAll): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  for (const { entries } of held.values()) {
    for (const entry of entries) {
      if (entry.kind === 'run.started') starts.set(entry.run, (starts.get(entry.run) ?? 0) + 1);
    }
  }
  return starts;
}

/** What was said before a disk was set back to a time before it, that disk has never heard. */
function isForgotten({ setBack }: World, { device, atMs }: Asked<unknown>): boolean {
  return setBack.some((each) => each.device === device && atMs > each.sinceMs && atMs <= each.atMs);
}

/** P2: every run has come to the end that its input alone says. */
async function checkOutcomes(
  world: World,
  requests: Requests,
  { all, hurt }: { readonly all: HeldOfAll; readonly hurt: ReadonlySet<string> },
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
  { all, hurt }: { readonly all: HeldOfAll; readonly hurt: ReadonlySet<string> },
): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const [device, { entries }] of all) {
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
function checkHistories({ witness }: World, held: HeldOfAll, hurt: ReadonlySet<string>): void {
  for (const [device, { entries }] of held) {
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
function checkEffects(
  { outside, witness }: World,
  requests: Requests,
  held: HeldOfAll,
): void {
  for (const [order, keys] of outside.charges) {
    const device = requests.runs.get(order)?.device ?? '';
    if (keys.size > 1) witness.blame('P5', device, `${order} is charged ${keys.size} times`);
  }
  for (const [device, { entries }] of held) {
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
