import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SimChance } from '@holdfast/agent/testing';
import type { Chance } from '@holdfast/protocol';
import type { FleetLook, FleetStates } from '../report/picture.ts';
import { catchUpReport, type SimulationReport } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { CatchUp, Sample } from '../virtual/observer.ts';
import type { Timeline } from '../virtual/timeline.ts';
import type { Violation } from '../virtual/witness.ts';
import { judgeFleet } from './fleet-checks.ts';
import { FleetFaults } from './fleet-faults.ts';
import { FleetOrders } from './fleet-orders.ts';
import { FleetWork } from './fleet-work.ts';
import { Fleet, type FleetDevice, type FleetOptions } from './fleet.ts';

export interface RunFleetOptions extends FleetOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Real time that the scenario takes; its times shrink in proportion. */
  readonly durationMs: number;
  readonly signal?: AbortSignal;
  readonly onLook?: (look: FleetLook) => void;
}

const LOOK_EVERY_MS = 1_000;
/** How long a healthy fleet may take to come to its end, and each device more. */
const HEALING_MS_MAX = 120_000;
const HEALING_MS_EACH = 2_000;
const finalStates: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Runs a scenario on real processes, and judges it. */
export async function runFleet(options: RunFleetOptions): Promise<SimulationReport> {
  const fleet = await Fleet.start(options);
  try {
    return await new FleetRun(fleet, options).run();
  } finally {
    await fleet.close();
  }
}

class FleetRun {
  readonly #fleet: Fleet;
  readonly #options: RunFleetOptions;
  readonly #violations: Violation[] = [];
  readonly #samples: Sample[] = [];
  readonly #catchUps: CatchUp[] = [];
  readonly #pendingMax = new Map<string, number>();
  /** Since when, and with how much, a device has been behind with its wire whole. */
  readonly #behind = new Map<string, { readonly sinceMs: number; readonly entries: number }>();
  /** Where each device stood when its agent last answered. */
  readonly #last = new Map<string, { readonly head: number; readonly pending: number }>();
  readonly #startMs = performance.now();
  #timeline: Timeline | undefined;
  #most = { pending: 0, atMs: 0 };
  #isHealing = false;

  constructor(fleet: Fleet, options: RunFleetOptions) {
    this.#fleet = fleet;
    this.#options = options;
  }

  async run(): Promise<SimulationReport> {
    const { scenario, seed, durationMs, signal } = this.#options;
    const scale = durationMs / scenario.durationMs;
    const chanceOf = (purpose: string): Chance => {
      const digest = createHash('sha256').update(`${seed}/${purpose}`).digest();
      return new SimChance(digest.readUInt32LE(0));
    };
    const fleet = this.#fleet;
    const blame = (promise: string, device: string, what: string): void => {
      this.#violations.push({ promise, device, what });
    };
    const work = new FleetWork(fleet, scenario, { scale, chanceOf });
    const orders = new FleetOrders(fleet, scenario, { scale, chanceOf });
    const faults = new FleetFaults({ fleet, faults: scenario.faults, chanceOf, scale, blame });
    this.#timeline = faults.timeline;
    const isOver = (): boolean => this.#nowMs() >= durationMs || signal?.aborted === true;
    while (!isOver()) await this.#look();
    const healedAtMs = this.#nowMs();
    this.#isHealing = true;
    await Promise.all([work.stop(), orders.stop()]);
    await faults.heal();
    const late = await this.#comesToEnd(orders);
    for (const each of late) blame('P2', each.device, `it does not end: ${each.why}`);
    const { requests } = work;
    const judged = await judgeFleet(fleet, { requests, orders }, this.#violations);
    return this.#report({ work, faults, judged, healedAtMs });
  }

  #nowMs(): number {
    return Math.round(performance.now() - this.#startMs);
  }

  async #look(): Promise<void> {
    await pause(LOOK_EVERY_MS);
    const { devices } = this.#fleet;
    const known = await Promise.all(devices.map((device) => this.#positionOf(device)));
    const sum = (of: (each: (typeof known)[number]) => number): number =>
      known.reduce((all, each) => all + of(each), 0);
    const sample: Sample = {
      atMs: this.#nowMs(),
      entries: sum(({ head }) => head),
      pending: sum(({ pending }) => pending),
      offline: devices.filter(({ proxy }) => proxy.mode !== 'up').length,
      down: devices.filter((device) => !device.process.isUp).length,
    };
    this.#samples.push(sample);
    const { pending, atMs } = sample;
    if (pending > this.#most.pending) this.#most = { pending, atMs };
    this.#options.onLook?.(this.#lookOf(sample));
  }

  #lookOf({ atMs, entries, pending }: Sample): FleetLook {
    const { scenario, seed, durationMs } = this.#options;
    const broken = this.#violations.map(({ promise }) => promise);
    return {
      ...{ scenario: scenario.name, seed, isReal: true, atMs, durationMs },
      ...{ isHealing: this.#isHealing, states: this.#states(), entries, pending },
      ...{ most: this.#most, mishaps: this.#timeline?.counts() ?? {} },
      ...{ broken: new Set(broken), violations: broken.length },
      recent: this.#timeline?.recent.toReversed() ?? [],
    };
  }

  #states(): FleetStates {
    const counts = { online: 0, behind: 0, offline: 0, stopped: 0, down: 0 };
    for (const { name, process, proxy } of this.#fleet.devices) {
      const pending = this.#last.get(name)?.pending ?? 0;
      if (!process.isUp) counts.down += 1;
      else if (process.isPaused) counts.stopped += 1;
      else if (proxy.mode !== 'up') counts.offline += 1;
      else if (pending > 0) counts.behind += 1;
      else counts.online += 1;
    }
    return counts;
  }

  /** What an agent that does not answer had when it last did. */
  async #positionOf({ name, socket, proxy, process }: FleetDevice) {
    const known = this.#last.get(name) ?? { head: 0, pending: 0 };
    if (!process.isUp) return known;
    const late = pause(LOOK_EVERY_MS, undefined, { ref: false });
    const backlog = await Promise.race([socket.backlog().catch(() => undefined), late]);
    if (backlog === undefined) return known;
    const head = backlog.lanes.reduce((sum, lane) => sum + lane.head, 0);
    const now = { head, pending: backlog.pending };
    this.#last.set(name, now);
    this.#pendingMax.set(name, Math.max(this.#pendingMax.get(name) ?? 0, now.pending));
    const behind = this.#behind.get(name);
    if (now.pending === 0 && behind !== undefined) {
      const tookMs = this.#nowMs() - behind.sinceMs;
      this.#catchUps.push({ device: name, atMs: this.#nowMs(), tookMs, entries: behind.entries });
    }
    if (now.pending === 0 || proxy.mode !== 'up') this.#behind.delete(name);
    else if (behind === undefined) {
      this.#behind.set(name, { sinceMs: this.#nowMs(), entries: now.pending });
    }
    return now;
  }

  /** @returns Devices that are not at rest when the time is over, and why. */
  async #comesToEnd(
    orders: FleetOrders,
  ): Promise<readonly { readonly device: string; readonly why: string }[]> {
    const { devices } = this.#fleet;
    const endMs = this.#nowMs() + HEALING_MS_MAX + HEALING_MS_EACH * devices.length;
    for (;;) {
      const all = await Promise.all(devices.map(unfinished));
      const open = all.flatMap((why, index) => {
        const device = devices[index]?.name ?? '';
        return why === undefined ? [] : [{ device, why }];
      });
      const waiting = open.length === 0 ? await orders.waiting() : 0;
      if (waiting > 0) open.push({ device: '', why: `${waiting} commands have no receipts` });
      if (open.length === 0 || this.#nowMs() > endMs) return open;
      await this.#look();
    }
  }

  #report(of: {
    readonly work: FleetWork;
    readonly faults: FleetFaults;
    readonly judged: Awaited<ReturnType<typeof judgeFleet>>;
    readonly healedAtMs: number;
  }): SimulationReport {
    const { scenario, seed, signal } = this.#options;
    const { work, faults, judged, healedAtMs } = of;
    const fleet = this.#fleet;
    const requests = [...work.requests.values()];
    const bytes = fleet.devices.reduce((sum, { proxy }) => sum + proxy.passed.up, 0);
    const entries = [...judged.entries.values()].reduce((sum, each) => sum + each, 0);
    const runs = requests.filter(({ workflow }) => workflow !== undefined);
    const runsOf = (name: string): number => runs.filter(({ device }) => device === name).length;
    return {
      schema: 'holdfast.simulation/1',
      ...{ scenario: scenario.name, seed, devices: fleet.devices.length, isReal: true },
      ...{ isCutShort: signal?.aborted === true, virtualMs: this.#nowMs() },
      ...{ healedMs: this.#nowMs() - healedAtMs, events: 0 },
      runs: runs.length,
      acknowledged: requests.filter(({ isAcknowledged }) => isAcknowledged).length,
      ...{ entries, messages: 0, bytes, mishaps: faults.timeline.counts() },
      boots: fleet.processes.reduce((sum, { starts }) => sum + starts, 0),
      gatewayStarts: fleet.gatewayStarts,
      orders: judged.orders,
      checked: judged.checked,
      catchUp: catchUpReport(this.#catchUps),
      fleet: fleet.devices.map(({ name: device, process }) => {
        const own = this.#catchUps.filter((each) => each.device === device);
        return {
          ...{ device, entries: judged.entries.get(device) ?? 0 },
          ...{ pending: this.#last.get(device)?.pending ?? 0 },
          ...{ pendingMax: this.#pendingMax.get(device) ?? 0, runs: runsOf(device) },
          ...{ boots: process.starts, catchUps: own.length },
          worstCatchUpMs: Math.max(0, ...own.map(({ tookMs }) => tookMs)),
          violations: judged.violations.filter((each) => each.device === device).length,
        };
      }),
      ...{ samples: this.#samples, timeline: faults.timeline.happened },
      ...{ digest: '', violations: judged.violations },
    };
  }
}

/** Why a device is not at rest; `undefined`: it is. */
async function unfinished({ socket }: FleetDevice): Promise<string | undefined> {
  try {
    const { runs, backlog } = await socket.status();
    const open = Object.entries(runs).filter(
      ([state, count]) => count > 0 && !finalStates.has(state),
    );
    if (open.length > 0) return open.map(([state, count]) => `${count} ${state}`).join(', ');
    return backlog.pending > 0 ? `${backlog.pending} entries are not acknowledged` : undefined;
  } catch {
    return 'it does not answer';
  }
}
