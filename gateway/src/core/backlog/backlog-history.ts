import type { DeviceLive } from '../live.ts';
import { peaksOf } from './backlog-peaks.ts';
import { BacklogSeries, type BacklogPoint, type SeriesLimits } from './backlog-series.ts';
import { Outages, type Outage } from './outages.ts';

/** A device that has come back, and drains. */
export interface CatchUp {
  readonly device: string;
  readonly pending: number;
  /** The most that it was behind since it began. */
  readonly peak: number;
  readonly sinceMs: number;
  /** `undefined`: it has not begun to fall, and nobody knows. */
  readonly leftMs: number | undefined;
}

/** A day, as fine as a graph on a screen. */
const ofFleet: SeriesLimits = { keptMs: 86_400_000, pointsMax: 240, stepMs: 5_000 };
/** Of 10,000 devices that change all the time, it is 30 MB. */
const ofDevice: SeriesLimits = { ...ofFleet, pointsMax: 48 };
/** What is so small is gone before anybody has read of it. */
const CATCH_UP_ENTRIES_MIN = 50;
const CATCH_UPS_KEPT = 200;
/** One that has greeted says how much it has, and sends it, a little later. */
const RETURN_MS = 5_000;
/** Over which the rate of arrivals is an average. */
const RATE_MS = 10_000;

interface Climb {
  readonly peak: number;
  readonly sinceMs: number;
}

/**
 * How far the fleet and each device were behind, over the last day and since this process started,
 * from what devices reported and what has arrived.
 */
export class BacklogHistory {
  readonly startedAtMs: number;
  readonly #fleet = new BacklogSeries(ofFleet);
  readonly #devices = new Map<string, BacklogSeries>();
  readonly #outages = new Map<string, Outages>();
  readonly #awayUntilMs = new Map<string, number>();
  readonly #climbs = new Map<string, Climb>();
  #live = new Map<string, DeviceLive>();
  /** How long the last ones took that have caught up. */
  readonly #tookMs: number[] = [];
  /** Since the last look. */
  #arrived = new Map<string, number>();
  readonly #arrivals: { readonly atMs: number; readonly entries: number }[] = [];

  constructor(nowMs: number) {
    this.startedAtMs = nowMs;
  }

  /** So many entries of a device have become durable. */
  arrived(device: string, entries: number): void {
    this.#arrived.set(device, (this.#arrived.get(device) ?? 0) + entries);
  }

  /** Takes how all devices are now. */
  look(live: readonly DeviceLive[], nowMs: number): void {
    let [pending, arrived] = [0, 0];
    for (const each of live) {
      pending += this.#take(each, nowMs);
      arrived += each.arrived;
      this.#follow(each, nowMs);
    }
    this.#live = new Map(live.map((each) => [each.device, each]));
    for (const device of this.#devices.keys()) if (!this.#live.has(device)) this.#drop(device);
    this.#fleet.add({ atMs: nowMs, pending, arrived, isHeard: true });
    const entries = [...this.#arrived.values()].reduce((sum, each) => sum + each, 0);
    this.#arrivals.push({ atMs: nowMs, entries });
    this.#arrived = new Map();
    const old = this.#arrivals.findIndex(({ atMs }) => nowMs - atMs < RATE_MS);
    this.#arrivals.splice(0, old);
  }

  /** Of one device, or of all together; the oldest first. */
  points(device: string | undefined, nowMs: number): readonly BacklogPoint[] {
    const series = device === undefined ? this.#fleet : this.#devices.get(device);
    return series?.points(nowMs) ?? [];
  }

  /** The most that a device was behind in each hour of a day, as far as it was heard of. */
  peaks(device: string, nowMs: number): readonly (number | null)[] {
    return peaksOf(this.points(device, nowMs), nowMs);
  }

  /** When a device was not heard of, over a week; the oldest first. */
  outages(device: string, nowMs: number): readonly Outage[] {
    return this.#outages.get(device)?.list(nowMs) ?? [];
  }

  /** Entries a second that become durable. */
  arrivingPerS(nowMs: number): number {
    const entries = this.#arrivals.reduce((sum, each) => sum + each.entries, 0);
    const sinceMs = Math.min(RATE_MS, nowMs - this.startedAtMs);
    return sinceMs <= 0 ? 0 : (entries * 1_000) / sinceMs;
  }

  /** Devices that drain, those that are furthest behind first. */
  catchingUp(nowMs: number): readonly CatchUp[] {
    const all = [...this.#climbs].map(([device, { peak, sinceMs }]) => {
      const pending = this.#live.get(device)?.pending ?? 0;
      const done = peak - pending;
      const leftMs = done <= 0 ? undefined : (pending * (nowMs - sinceMs)) / done;
      return { device, pending, peak, sinceMs, leftMs };
    });
    return all.toSorted((a, b) => b.pending - a.pending);
  }

  /** What 19 of 20 took at most that have caught up lately; `undefined`: none has. */
  get catchUpP95Ms(): number | undefined {
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1];
  }

  /** @returns How far behind the device was. */
  #take(live: DeviceLive, nowMs: number): number {
    const { device, state, pending, arrived, lastSeenAtMs } = live;
    const series = this.#devices.get(device) ?? new BacklogSeries(ofDevice);
    this.#devices.set(device, series);
    const isHeard = state !== 'offline' && state !== 'new';
    const outages = this.#outages.get(device) ?? new Outages();
    this.#outages.set(device, outages);
    // Of one that was never there nobody knows that it is away.
    if (state !== 'new') outages.take(isHeard, lastSeenAtMs, nowMs);
    // What one brings that was away is what it had been behind, however fast it drains.
    if (series.last?.isHeard === false) this.#awayUntilMs.set(device, nowMs);
    const isBack = isHeard && nowMs - (this.#awayUntilMs.get(device) ?? -RETURN_MS) < RETURN_MS;
    const drained = isBack ? (this.#arrived.get(device) ?? 0) : 0;
    const behind = pending + drained;
    series.add({ atMs: nowMs, pending: behind, arrived: arrived - drained, isHeard });
    return behind;
  }

  #follow({ device, state, pending }: DeviceLive, nowMs: number): void {
    const climb = this.#climbs.get(device);
    if (state === 'syncing' && pending > 0) {
      if (climb === undefined && pending < CATCH_UP_ENTRIES_MIN) return;
      const { peak = 0, sinceMs = nowMs } = climb ?? {};
      // The rate is from the peak on.
      const isPeak = pending >= peak;
      this.#climbs.set(device, isPeak ? { peak: pending, sinceMs: nowMs } : { peak, sinceMs });
      return;
    }
    if (climb === undefined) return;
    this.#climbs.delete(device);
    if (state !== 'synced') return;
    this.#tookMs.push(nowMs - climb.sinceMs);
    this.#tookMs.splice(0, this.#tookMs.length - CATCH_UPS_KEPT);
  }

  #drop(device: string): void {
    this.#devices.delete(device);
    this.#outages.delete(device);
    this.#climbs.delete(device);
    this.#awayUntilMs.delete(device);
  }
}
