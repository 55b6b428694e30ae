import type { Chance, Clock, Dial, Link, LinkEvent } from '@holdfast/protocol';
import { fairWeather, type Weather } from '../scenario/scenario.ts';
import { withOneBitFlipped } from './flipped-bit.ts';

/** The way between one device and the broker. */
export interface Air {
  /** A connection can be made, and one that is there carries something. */
  isUp: boolean;
  /** The connection stays and nothing arrives this way; nobody is told. */
  isSilentUp: boolean;
  isSilentDown: boolean;
  latencyMs: number;
  /** What the way up carries, and the way down. */
  bytesPerMs: number;
  downBytesPerMs: number;
}

export interface NetworkOptions {
  readonly time: Clock;
  readonly chance: Chance;
  /** Takes a message of a device at the gateway. */
  readonly toGateway: (device: string, bytes: Uint8Array) => void;
  /** A device has a connection to the broker. */
  readonly onConnected: (device: string) => void;
}

const DELAY_MS_MAX = 3_000;
const LATENCY_MS = 20;

interface Session {
  readonly listen: (event: LinkEvent) => void;
  /** Sends that the broker has not taken. */
  readonly waiting: Set<() => void>;
  busyUntilMs: number;
  /** Nothing passes any more, and nobody is told. */
  isDead: boolean;
}

interface Place {
  readonly air: Air;
  /** As which device it connects. */
  device: string;
  session: Session | undefined;
  downBusyUntilMs: number;
}

/** A broker, and the way to it from each device. Messages of ended connections may still arrive. */
export class SimNetwork {
  weather: Weather = fairWeather;
  /** How often each thing went wrong. */
  readonly met = {
    ...{ dropped: 0, duplicated: 0, delayed: 0, corrupted: 0 },
    ...{ cut: 0, refused: 0, broken: 0 },
  };
  messages = 0;
  bytes = 0;
  readonly #options: NetworkOptions;
  /** By machine. */
  readonly #places = new Map<string, Place>();
  /** Whose connection the broker has, by device: one at a time. */
  readonly #holders = new Map<string, Place>();
  #isBrokerUp = true;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  airOf(device: string): Air {
    return this.#placeOf(device).air;
  }

  /** How a machine connects as a device. */
  dialOf(device: string, machine = device): Dial {
    const place = this.#placeOf(machine);
    place.device = device;
    return (listen) => {
      const session: Session = { listen, waiting: new Set(), busyUntilMs: 0, isDead: false };
      place.session = session;
      this.#options.time.wakeIn(2 * place.air.latencyMs, () =>
        this.#answer(device, place, session),
      );
      return this.#linkOf(device, place, session);
    };
  }

  /** The connection of a device ends, and it is told. */
  cut(device: string): void {
    const place = this.#placeOf(device);
    if (place.session === undefined) return;
    this.met.cut += 1;
    this.#end(place, place.session, 'HF_LINK_LOST');
  }

  /** The connection of a device is dead for good, and nobody is told: only a new one helps. */
  deaden(device: string): void {
    const { session } = this.#placeOf(device);
    if (session !== undefined) session.isDead = true;
  }

  /** The process that held the connection is gone: nobody is told. */
  forget(device: string): void {
    this.#placeOf(device).session = undefined;
  }

  /** A link goes down or comes back. */
  setUp(device: string, isUp: boolean): void {
    this.airOf(device).isUp = isUp;
    if (!isUp) this.cut(device);
  }

  /** The broker goes down or comes back. */
  setBroker(isUp: boolean): void {
    this.#isBrokerUp = isUp;
    if (!isUp) for (const device of this.#places.keys()) this.cut(device);
  }

  /** Carries a message of a gateway to whoever is connected as this device when it arrives. */
  toDevice(device: string, bytes: Uint8Array): void {
    const way = this.#holders.get(device) ?? this.#placeOf(device);
    const nowMs = this.#options.time.monoMs();
    const fromMs = Math.max(nowMs, way.downBusyUntilMs);
    way.downBusyUntilMs = fromMs + bytes.length / way.air.downBytesPerMs;
    const { session } = way;
    if (session !== undefined && this.#happens(this.weather.cut, 'broken')) {
      const halfMs = (way.downBusyUntilMs - nowMs + way.air.latencyMs) / 2;
      this.#options.time.wakeIn(halfMs, () => this.#break(way, session));
      return;
    }
    this.#carry(bytes, way.downBusyUntilMs - nowMs + way.air.latencyMs, (arrived) => {
      const place = this.#holders.get(device);
      if (place === undefined || !this.#isBrokerUp) return;
      if (place.air.isSilentDown || !place.air.isUp) return;
      const { session: now } = place;
      if (now?.isDead === false) now.listen({ kind: 'message', bytes: arrived });
    });
  }

  /** Whether a device could reach the broker. */
  reaches(device: string): boolean {
    return this.#isBrokerUp && this.airOf(device).isUp;
  }

  #placeOf(machine: string): Place {
    const known = this.#places.get(machine);
    if (known !== undefined) return known;
    const air: Air = {
      ...{ isUp: true, isSilentUp: false, isSilentDown: false },
      ...{ latencyMs: LATENCY_MS, bytesPerMs: Number.POSITIVE_INFINITY },
      downBytesPerMs: Number.POSITIVE_INFINITY,
    };
    const place: Place = { air, device: machine, session: undefined, downBusyUntilMs: 0 };
    this.#places.set(machine, place);
    return place;
  }

  #answer(device: string, place: Place, session: Session): void {
    if (place.session !== session) return;
    if (place.air.isSilentUp || place.air.isSilentDown) return; // Nobody answers.
    if (place.air.isUp && this.#isBrokerUp) {
      const holder = this.#holders.get(device);
      // A client of the same name takes the place of the one before.
      if (holder !== undefined && holder !== place && holder.session !== undefined) {
        this.#end(holder, holder.session, 'HF_LINK_LOST');
      }
      this.#holders.set(device, place);
      this.#options.onConnected(device);
      session.listen({ kind: 'up' });
      return;
    }
    this.met.refused += 1;
    this.#end(place, session, 'HF_GATEWAY_UNREACHABLE');
  }

  #end(place: Place, session: Session, code: string): void {
    place.session = undefined;
    for (const taken of session.waiting) taken();
    session.listen({ kind: 'down', reason: { code, message: code } });
  }

  #linkOf(device: string, place: Place, session: Session): Link {
    return {
      send: (_channel, bytes) => this.#send(device, { place, session }, bytes),
      close: () => {
        if (place.session !== session) return;
        place.session = undefined;
        for (const taken of session.waiting) taken();
        this.#options.time.wakeIn(0, () =>
          session.listen({ kind: 'down', reason: { code: 'HF_LINK_LOST', message: 'closed' } }),
        );
      },
    };
  }

  #send(
    device: string,
    { place, session }: { readonly place: Place; readonly session: Session },
    bytes: Uint8Array,
  ): Promise<void> {
    const { time, toGateway } = this.#options;
    if (place.session !== session) return Promise.resolve();
    const { air } = place;
    const fromMs = Math.max(time.monoMs(), session.busyUntilMs);
    session.busyUntilMs = fromMs + bytes.length / air.bytesPerMs;
    const wayMs = session.busyUntilMs - time.monoMs() + air.latencyMs;
    if (this.#happens(this.weather.cut, 'broken')) {
      time.wakeIn(wayMs / 2, () => this.#break(place, session));
      return new Promise((resolve) => session.waiting.add(resolve));
    }
    return new Promise((resolve) => {
      const taken = (): void => {
        session.waiting.delete(taken);
        resolve();
      };
      session.waiting.add(taken);
      time.wakeIn(wayMs, () => {
        if (place.session !== session || session.isDead) return;
        if (air.isSilentUp || !air.isUp || !this.#isBrokerUp) return;
        if (!air.isSilentDown) time.wakeIn(air.latencyMs, taken);
        this.#carry(bytes, 0, (arrived) => toGateway(device, arrived));
      });
    });
  }

  /** The connection ends, with a part of a message on its way: nobody is given that. */
  #break(place: Place, session: Session): void {
    if (place.session === session) this.#end(place, session, 'HF_LINK_LOST');
  }

  /** What the broker does with a message. */
  #carry(bytes: Uint8Array, latencyMs: number, arrive: (bytes: Uint8Array) => void): void {
    const { chance, time } = this.#options;
    this.messages += 1;
    this.bytes += bytes.length;
    const { drop, duplicate, delay, corrupt } = this.weather;
    const isFair = drop + duplicate + delay + corrupt === 0;
    if (isFair) {
      if (latencyMs === 0) arrive(bytes);
      else time.wakeIn(latencyMs, () => arrive(bytes));
      return;
    }
    if (this.#happens(drop, 'dropped')) return;
    const copies = this.#happens(duplicate, 'duplicated') ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const laterMs = this.#happens(delay, 'delayed') ? chance.next() * DELAY_MS_MAX : 0;
      const sent = this.#happens(corrupt, 'corrupted') ? withOneBitFlipped(bytes, chance) : bytes;
      time.wakeIn(latencyMs + laterMs, () => arrive(sent));
    }
  }

  #happens(chance: number, what: keyof SimNetwork['met']): boolean {
    if (chance === 0 || this.#options.chance.next() >= chance) return false;
    this.met[what] += 1;
    return true;
  }
}
