import type { Clock, Link } from '@holdfast/protocol';
import type { LinkMeter } from './link-meter.ts';
import type { LinkGate } from './link-plan.ts';
import type { UplinkJournal } from './uplink-ports.ts';

export interface GateOptions {
  readonly meter: LinkMeter;
  readonly clock: Clock;
  readonly journal: Pick<UplinkJournal, 'positions'>;
  /** What the uplink goes by now. */
  readonly current: () => LinkGate;
  readonly change: (gate: LinkGate) => void;
}

/** The wall clock may be set while nobody looks. */
const LOOK_EVERY_MS = 15 * 60_000;

/** Tells the uplink of a link that costs when it may be used, and counts what goes over it. */
export class UplinkGate {
  readonly #options: GateOptions;
  readonly #counted = new WeakMap<Link, number>();
  #cancel: () => void = () => {};

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Something may have changed: entries, bytes, time. */
  look(): void {
    const { meter, clock, journal, current, change } = this.#options;
    const [{ head, acked }] = journal.positions();
    const gate = meter.gate(head > acked);
    this.#cancel();
    const delayMs = Math.min(LOOK_EVERY_MS, meter.changesInMs());
    this.#cancel = clock.wakeIn(delayMs, () => this.look(), 'patient');
    if (gate !== current()) change(gate);
  }

  /** Something went over this link. */
  used(link: Link | undefined): void {
    if (link?.traffic === undefined) return;
    const bytes = link.traffic();
    this.#options.meter.count(bytes - (this.#counted.get(link) ?? 0));
    this.#counted.set(link, bytes);
  }

  /** The link is about to end. */
  ended(link: Link | undefined): void {
    this.used(link);
    this.#options.meter.save();
  }

  close(): void {
    this.#cancel();
  }
}
