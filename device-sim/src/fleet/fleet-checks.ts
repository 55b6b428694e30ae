import { readFile } from 'node:fs/promises';
import { lanes } from '@holdfast/protocol';
import { getFromApi } from '../real/gateway-api.ts';
import { verifyChain } from '../real/verify-chain.ts';
import type { Violation } from '../virtual/witness.ts';
import { oracle } from '../virtual/workload.ts';
import type { Fleet, FleetDevice } from './fleet.ts';
import type { FleetRequest } from './fleet-work.ts';

interface Entry {
  readonly lane: string;
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string | null;
  readonly run?: string;
  readonly op?: unknown;
  readonly name?: string;
  readonly output?: unknown;
  readonly result?: unknown;
}

interface EntriesPage {
  readonly entries: readonly Entry[];
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
}

/** Judges a fleet that has come to its end: its ledger, its agents, and what happened outside. */
export async function judgeFleet(
  fleet: Fleet,
  requests: ReadonlyMap<string, FleetRequest>,
  found: readonly Violation[],
): Promise<FleetJudgement> {
  const violations = [...found];
  const blame = (promise: string, device: string, what: string): void => {
    violations.push({ promise, device, what });
  };
  const entries = new Map<string, number>();
  const all = new Map<string, readonly Entry[]>();
  for (const device of fleet.devices) {
    const held = await checkLedger(fleet, device, blame);
    all.set(device.name, held);
    entries.set(device.name, held.length);
  }
  checkRequests(requests, all, blame);
  const naps = checkNaps(requests, all, blame);
  const charges = await checkCharges(fleet, blame);
  if (!(await verifyChain(fleet.api))) blame('P9', '', 'the ledger does not verify');
  const total = [...entries.values()].reduce((sum, each) => sum + each, 0);
  const starts = fleet.processes.reduce((sum, each) => sum + each.starts, 0);
  const runs = [...requests.values()].filter(({ workflow }) => workflow !== undefined).length;
  const calls = [...all.values()].flat().filter(({ kind }) => kind === 'call.completed').length;
  return {
    violations,
    entries,
    checked: {
      ...{ P1: requests.size, P2: runs, P3: total, P4: total },
      ...{ P5: charges, P6: calls },
      ...{ P7: starts + fleet.gatewayStarts, P9: total, P12: naps },
    },
  };
}

type Blame = (promise: string, device: string, what: string) => void;

/** P3: each lane of the journal is in the ledger, once and in order. P4: nothing is given up. */
async function checkLedger(fleet: Fleet, device: FleetDevice, blame: Blame): Promise<Entry[]> {
  const { backlog } = await device.socket.status();
  const held: Entry[] = [];
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
  all: ReadonlyMap<string, readonly Entry[]>,
  blame: Blame,
): void {
  for (const [id, { device, workflow, order, isAcknowledged }] of requests) {
    const held = all.get(device) ?? [];
    const isIt = (entry: Entry): boolean =>
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

/** P12: no sleep ended before its time. @returns How many there were. */
function checkNaps(
  requests: ReadonlyMap<string, FleetRequest>,
  all: ReadonlyMap<string, readonly Entry[]>,
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
