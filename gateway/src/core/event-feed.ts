import type { Arrival } from './session-ports.ts';
import type { DeviceLive } from './live.ts';

/** Something that has changed, for those who look on: what it is now, they ask for. */
export interface FleetEvent {
  /** Unique among all gateways and their lives. */
  readonly id: string;
  /** `entries`: of a lane have arrived. `device`: its state is another one. */
  readonly kind: 'entries' | 'device';
  readonly device: string;
  readonly data: Readonly<Record<string, string | number>>;
}

/** What somebody who looks on has missed. */
export interface Missed {
  readonly events: readonly FleetEvent[];
  /** There is more that is not kept: read everything anew. */
  readonly isGap: boolean;
}

/** Some minutes of a busy fleet. */
const EVENTS_KEPT = 10_000;

/**
 * Tells what changes in the fleet, at most once a look for each lane and device: however fast
 * entries arrive, those who look on get what a person can follow. Keeps the last events, so that
 * who was away goes on where it was.
 */
export class EventFeed {
  readonly #life: string;
  readonly #kept: number;
  readonly #events: FleetEvent[] = [];
  readonly #listeners = new Set<(events: readonly FleetEvent[]) => void>();
  readonly #states = new Map<string, string>();
  #arrived = new Map<string, Arrival>();
  #last = 0;

  /** @param life Names this life of the process. */
  constructor(life: string, kept = EVENTS_KEPT) {
    this.#life = life;
    this.#kept = kept;
  }

  /** Entries have become durable. They are told of at the next look. */
  arrived(arrival: Arrival): void {
    const key = `${arrival.device}/${arrival.lane}`;
    const fresh = arrival.fresh + (this.#arrived.get(key)?.fresh ?? 0);
    this.#arrived.set(key, { ...arrival, fresh });
  }

  /** Tells what has changed since the last look. */
  look(live: readonly DeviceLive[]): void {
    const events: FleetEvent[] = [];
    for (const { device, epoch, lane, watermark, fresh } of this.#arrived.values()) {
      events.push(this.#event('entries', device, { epoch, lane, watermark, fresh }));
    }
    this.#arrived = new Map();
    for (const { device, state } of live) {
      if (this.#states.get(device) === state) continue;
      this.#states.set(device, state);
      events.push(this.#event('device', device, { state }));
    }
    if (events.length === 0) return;
    this.#events.push(...events);
    this.#events.splice(0, Math.max(0, this.#events.length - this.#kept));
    for (const listener of this.#listeners) listener(events);
  }

  /** What came after an event; all is missed of another life. `undefined`: nothing is. */
  after(id: string | undefined): Missed {
    if (id === undefined) return { events: [], isGap: false };
    const [life, number] = id.split('-');
    const first = this.#last - this.#events.length + 1;
    const next = Number(number) + 1;
    const isKnown = life === this.#life && next >= first && next <= this.#last + 1;
    return isKnown
      ? { events: this.#events.slice(next - first), isGap: false }
      : { events: [], isGap: true };
  }

  /** Where the feed is now: what comes is after it. */
  get last(): string {
    return `${this.#life}-${this.#last}`;
  }

  /** @returns Stops. */
  listen(listener: (events: readonly FleetEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #event(kind: FleetEvent['kind'], device: string, data: FleetEvent['data']): FleetEvent {
    this.#last += 1;
    return { id: `${this.#life}-${this.#last}`, kind, device, data };
  }
}
