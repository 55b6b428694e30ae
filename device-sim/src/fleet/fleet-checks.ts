import { readFile } from 'node:fs/promises';
import type { DeviceDetailView, DevicesView } from '@holdfast/gateway/internal';
import { lanes } from '@holdfast/protocol';
import { getFromApi } from '../real/gateway-api.ts';
import { verifyChain } from '../real/verify-chain.ts';
import { SECRET } from '../virtual/secret.ts';
import type { OrderCounts } from '../virtual/order-checks.ts';
import type { Violation } from '../virtual/witness.ts';
import { oracle } from '../virtual/workload.ts';
import type { Fleet, FleetDevice } from './fleet.ts';
import type { FleetOrders } from './fleet-orders.ts';
import type { FleetRequest } from './fleet-work.ts';
import type { LedgerRow } from './ledger-row.ts';
import { checkRest } from './rest-checks.ts';

interface EntriesPage {
  readonly entries: readonly LedgerRow[];
  readonly holes: readonly {
    readonly seqFirst: number;
    readonly seqLast: number;
    readonly reason: string;
  }[];
}

const PAGE = 500;

/** What was looked at, by promise. */
export interface FleetJudgement {
  readonly checked: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly entries: ReadonlyMap<string, number>;
  readonly orders: OrderCounts;
}

/** What people and programs asked for. */
export interface Wanted {
  readonly requests: ReadonlyMap<string, FleetRequest>;
  readonly orders: FleetOrders;
}

/** Judges a fleet that has come to its end: its ledger, its agents, and what happened outside. */
export async function judgeFleet(
  fleet: Fleet,
  { requests, orders }: Wanted,
  found: readonly Violation[],
): Promise<FleetJudgement> {
  const violations = [...found, ...fleet.overheard];
  const blame = (promise: string, device: string, what: string): void => {
    violations.push({ promise, device, what });
  };
  const entries = new Map<string, number>();
  const all = new Map<string, readonly LedgerRow[]>();
  for (const device of fleet.devices) {
    const held = await checkLedger(fleet, device, blame);
    all.set(device.name, held);
    entries.set(device.name, held.length);
  }
  checkRequests(requests, all, blame);
  const settled = await orders.judge(all, blame);
  const given = Object.values(settled).reduce((sum, each) => sum + each, 0);
  const naps = checkNaps(requests, all, blame);
  const known = await checkKnown(fleet, blame);
  checkPrivate(all, blame);
  const charges = await checkCharges(fleet, blame);
  if (!(await verifyChain(fleet.api))) blame('P9', '', 'the ledger does not verify');
  const total = [...entries.values()].reduce((sum, each) => sum + each, 0);
  const starts = fleet.processes.reduce((sum, each) => sum + each.starts, 0);
  const runs = [...requests.values()].filter(({ workflow }) => workflow !== undefined).length;
  const told = fleet.devices.reduce((sum, { watch }) => sum + watch.told, 0);
  const searched = fleet.devices.reduce((sum, { watch }) => sum + watch.searched, 0);
  const calls = [...all.values()].flat().filter(({ kind }) => kind === 'call.completed').length;
  return {
    violations,
    entries,
    orders: settled,
    checked: {
      ...{ P1: requests.size, P2: runs, P3: total, P4: total },
      ...{ P5: charges, P6: calls + given },
      ...{ P7: starts + fleet.gatewayStarts, P8: known + told, P9: total },
      ...{ P10: total + searched, P11: await checkRest(fleet, blame), P12: naps },
    },
  };
}

type Blame = (promise: string, device: string, what: string) => void;

/** P3: each lane of the journal is in the ledger, once and in order. P4: nothing is given up. */
async function checkLedger(fleet: Fleet, device: FleetDevice, blame: Blame): Promise<LedgerRow[]> {
  const { backlog } = await device.socket.status();
  const held: LedgerRow[] = [];
  for (const lane of lanes) {
    const head = backlog.lanes.find((each) => each.lane === lane)?.head ?? 0;
    let seq = 0;
    for (;;) {
      const query = `lane=${lane}&after=${seq}&limit=${PAGE}`;
      const path = `/api/devices/${device.name}/entries?${query}`;
      const { entries, holes } = await getFromApi<EntriesPage>(fleet.api, path);
      for (const { seqFirst, seqLast, reason } of holes) {
        if (reason === 'trimmed' || reason === 'retention') continue;
        blame('P4', device.name, `${lane} ${seqFirst}-${seqLast} is given up as ${reason}`);
      }
      for (const entry of entries) {
        seq += 1;
        if (entry.seq !== seq) blame('P3', device.name, `${lane} has ${entry.seq} for ${seq}`);
        seq = entry.seq;
      }
      held.push(...entries);
      if (entries.length < PAGE) break;
    }
    if (seq !== head) blame('P3', device.name, `the ledger has ${seq} of ${head} in ${lane}`);
  }
  return held;
}

/** P1, P2, P6: what was acknowledged is there, once, and has come to the end that it has to. */
function checkRequests(
  requests: ReadonlyMap<string, FleetRequest>,
  all: ReadonlyMap<string, readonly LedgerRow[]>,
  blame: Blame,
): void {
  for (const [id, { device, workflow, order, isAcknowledged }] of requests) {
    const held = all.get(device) ?? [];
    const isIt = (entry: LedgerRow): boolean =>
      workflow === undefined
        ? entry.kind === 'event.emitted' && entry.name === id
        : entry.kind === 'run.started' && entry.run === id;
    const times = held.filter(isIt).length;
    if (isAcknowledged && times === 0) blame('P1', device, `${id} is lost`);
    if (times > 1) blame('P1', device, `${id} is there ${times} times`);
    if (workflow === undefined || times === 0) continue;
    const mine = held.filter(({ run }) => run === id);
    const ends = mine.filter(({ kind }) => kind === 'run.completed');
    const expected = JSON.stringify(oracle[workflow]?.(order));
    const given = ends.map(({ output }) => JSON.stringify(output));
    if (given.length !== 1) blame('P2', device, `${id} has ${ends.length} ends`);
    else if (given[0] !== expected) blame('P2', device, `${id} gave ${given[0]}`);
    const results = mine.filter(({ kind }) => kind === 'call.completed');
    if (new Set(results.map(({ op }) => JSON.stringify(op))).size !== results.length) {
      blame('P6', device, `the result of a call of ${id} was applied twice`);
    }
  }
}

/** P8: the gateway knows the devices that there are, each by its own key. */
async function checkKnown(fleet: Fleet, blame: Blame): Promise<number> {
  const own = new Set(fleet.devices.map(({ name }) => name));
  let known = 0;
  for (let after: string | null = ''; after !== null;) {
    const path: string = `/api/devices?limit=${PAGE}${after === '' ? '' : `&after=${after}`}`;
    const page: DevicesView = await getFromApi<DevicesView>(fleet.api, path);
    for (const { device } of page.devices) {
      if (!own.has(device)) blame('P8', device, 'is a stranger that the gateway knows');
    }
    known += page.devices.length;
    after = page.next;
  }
  for (const { name, socket } of fleet.devices) {
    const { key } = await socket.status();
    const { keys } = await getFromApi<DeviceDetailView>(fleet.api, `/api/devices/${name}`);
    const counting = keys.filter(({ revokedAt }) => revokedAt === null);
    const isOwn = counting.length === 1 && counting[0]?.key === key;
    if (!isOwn) blame('P8', name, 'is known by the key of a stranger');
  }
  return known;
}

/** P10: what is marked local, or redacted, is in nothing that the ledger has. */
function checkPrivate(all: ReadonlyMap<string, readonly LedgerRow[]>, blame: Blame): void {
  for (const [device, entries] of all) {
    for (const entry of entries) {
      if (!JSON.stringify(entry).includes(SECRET)) continue;
      blame('P10', device, `what is local is in the ledger: ${entry.lane} ${entry.seq}`);
    }
  }
}

/** P12: no sleep ended before its time. @returns How many there were. */
function checkNaps(
  requests: ReadonlyMap<string, FleetRequest>,
  all: ReadonlyMap<string, readonly LedgerRow[]>,
  blame: Blame,
): number {
  const woke = [...all.values()]
    .flat()
    .filter(({ kind, name }) => kind === 'step.completed' && name === 'get-up');
  for (const { run = '', result } of woke) {
    const { from, at } = result as { readonly from: number; readonly at: number };
    const asked = requests.get(run);
    const tooEarlyMs = (asked?.order.napMs ?? 0) - (at - from);
    // The clock on the wall counts whole ms.
    if (tooEarlyMs > 1) blame('P12', asked?.device ?? '', `${run} woke ${tooEarlyMs} ms too early`);
  }
  return woke.length;
}

/** P5: each order was charged with one key. @returns How many charges there were. */
async function checkCharges(fleet: Fleet, blame: Blame): Promise<number> {
  const text = await readFile(fleet.deeds, 'utf8').catch(() => '');
  const keys = new Map<string, Set<string>>();
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    const { order, key } = JSON.parse(line) as { readonly order: string; readonly key: string };
    keys.set(order, (keys.get(order) ?? new Set()).add(key));
  }
  for (const [order, used] of keys) {
    if (used.size > 1) blame('P5', '', `${order} is charged with ${used.size} keys`);
  }
  return lines.length;
}
