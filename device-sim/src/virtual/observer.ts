import type { Witness } from './witness.ts';

/** How a fleet stood at one moment. */
export interface Sample {
  readonly atMs: number;
  /** Journaled, by all devices. */
  readonly entries: number;
  /** Journaled, and not acknowledged. */
  readonly pending: number;
  readonly offline: number;
  /** Their process is dead. */
  readonly down: number;
}

/** From a connection of a device that was behind until nothing was pending. */
export interface CatchUp {
  readonly device: string;
  readonly atMs: number;
  readonly tookMs: number;
  readonly entries: number;
}

const CATCH_UPS_MAX = 20_000;

/** What is seen of a fleet from outside, for people: it judges nothing. */
export class Observer {
  readonly samples: Sample[] = [];
  readonly catchUps: CatchUp[] = [];
  /** The largest backlog of all together that was seen. */
  most = { pending: 0, atMs: 0 };
  /** The largest backlog of each device. */
  readonly pendingMax = new Map<string, number>();
  readonly #witness: Witness;
  readonly #behind = new Map<string, { readonly sinceMs: number; readonly entries: number }>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  sampled(sample: Sample): void {
    this.samples.push(sample);
    const { pending, atMs } = sample;
    if (pending > this.most.pending) this.most = { pending, atMs };
  }

  connected(device: string, atMs: number): void {
    const entries = this.#witness.pendingOf(device);
    if (entries > 0) this.#behind.set(device, { sinceMs: atMs, entries });
  }

  /** Something of a device is durable. */
  wrote(device: string, atMs: number): void {
    const pending = this.#witness.pendingOf(device);
    if (pending > (this.pendingMax.get(device) ?? 0)) this.pendingMax.set(device, pending);
    const behind = this.#behind.get(device);
    if (pending > 0 || behind === undefined) return;
    this.#behind.delete(device);
    const { sinceMs, entries } = behind;
    if (this.catchUps.length >= CATCH_UPS_MAX) return;
    const tookMs = Math.round(atMs - sinceMs);
    this.catchUps.push({ device, atMs: Math.round(atMs), tookMs, entries });
  }
}
