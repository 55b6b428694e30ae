import type { Chance } from '@holdfast/protocol';
import { factsOf, type FaultKind } from '../scenario/fault-kinds.ts';
import type { Fault } from '../scenario/scenario.ts';
import { Timeline } from '../virtual/timeline.ts';
import type { Fleet, FleetDevice } from './fleet.ts';

type End = () => unknown;

interface Happening {
  readonly fleet: Fleet;
  readonly chance: Chance;
  readonly params: Fault['params'];
}

type ToDevice = (device: FleetDevice, happening: Happening) => End;

const straight = { delayMs: 0, bytesPerS: Number.POSITIVE_INFINITY };

const toDevices: Readonly<Partial<Record<FaultKind, ToDevice>>> = {
  outage: ({ proxy }) => {
    proxy.setMode('cut');
    return () => proxy.setMode('up');
  },
  'one-way': ({ proxy }, { chance }) => {
    proxy.setMode(chance.next() < 0.5 ? 'hold-up' : 'hold-down');
    return () => proxy.setMode('up');
  },
  'half-open': ({ proxy }) => {
    proxy.setMode('hold');
    return () => proxy.setMode('up');
  },
  'slow-link': ({ proxy }, { params }) => {
    const bytesPerS = ((params['kbit'] ?? 1) * 1_000) / 8;
    proxy.setShape({ delayMs: params['latency'] ?? 0, bytesPerS });
    return () => proxy.setShape(straight);
  },
  kill: ({ process }) => {
    const killed = process.kill();
    return () => killed.then(() => process.start());
  },
  pause: ({ process }) => {
    process.pause(true);
    return () => process.pause(false);
  },
};

const toFleet: Readonly<Partial<Record<FaultKind, (fleet: Fleet) => End>>> = {
  'city-outage': (fleet) => {
    for (const { proxy } of fleet.devices) proxy.setMode('cut');
    return () => {
      for (const { proxy } of fleet.devices) proxy.setMode('up');
    };
  },
  'gateway-kill': (fleet) => {
    const killed = fleet.killGateway();
    return () => killed.then(() => fleet.startGateway());
  },
};

/** What happens to a process happens to all agents in it, and not once for each. */
const toProcess: ReadonlySet<FaultKind> = new Set(['kill', 'pause']);

function firstOfEach(devices: readonly FleetDevice[]): readonly FleetDevice[] {
  return devices.filter(
    ({ process }, index) => devices.findIndex((each) => each.process === process) === index,
  );
}

/** Kinds of a scenario that no real process can be made to have from outside. */
export function unreal(faults: readonly Fault[]): readonly FaultKind[] {
  const kinds = faults.map(({ kind }) => kind).filter((kind) => !factsOf(kind).isReal);
  return [...new Set(kinds)];
}

export interface FleetFaultsOptions {
  readonly fleet: Fleet;
  readonly faults: readonly Fault[];
  readonly chanceOf: (purpose: string) => Chance;
  /** Real time for the time of the scenario. */
  readonly scale: number;
  /** What must never be. */
  readonly blame: (promise: string, device: string, what: string) => void;
}

/** Lets happen to real processes what a scenario says, until it is healed. */
export class FleetFaults {
  readonly timeline = new Timeline();
  readonly #options: FleetFaultsOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ends = new Set<Promise<unknown>>();
  readonly #startMs = performance.now();
  #isHealed = false;

  constructor(options: FleetFaultsOptions) {
    this.#options = options;
    for (const [index, fault] of options.faults.entries()) this.#beginOf(fault, index);
  }

  /** Ends everything that goes wrong; resolves once what was killed is there again. */
  async heal(): Promise<void> {
    const { fleet } = this.#options;
    this.#isHealed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#ends);
    for (const { proxy, process } of fleet.devices) {
      proxy.setMode('up');
      proxy.setShape(straight);
      process.pause(false);
    }
    await this.#mustStart('gateway', () => fleet.startGateway());
    await this.#mustStart('', () => fleet.startAgents());
  }

  #beginOf(fault: Fault, index: number): void {
    const { fleet, chanceOf } = this.#options;
    const { kind, params, devices = fleet.devices.length } = fault;
    const begin = (device: string, act: (happening: Happening) => End | undefined): void => {
      const chance = chanceOf(`fault ${index} ${kind} ${device}`);
      const happen = (forMs: number, then: () => void): void => {
        const end = act({ fleet, chance, params });
        if (end === undefined) return;
        const noted = this.timeline.begin(kind, device, performance.now() - this.#startMs);
        this.#after(forMs, () => {
          this.#ending(device, end);
          this.timeline.end(noted, performance.now() - this.#startMs);
          then();
        });
      };
      this.#repeat(fault, chance, happen);
    };
    if (factsOf(kind).of === 'fleet') return begin('', ({ fleet: all }) => toFleet[kind]?.(all));
    const some = fleet.devices.slice(0, devices);
    for (const device of toProcess.has(kind) ? firstOfEach(some) : some) {
      begin(device.name, (happening) => toDevices[kind]?.(device, happening));
    }
  }

  #repeat(fault: Fault, chance: Chance, happen: (forMs: number, then: () => void) => void): void {
    const around = (averageMs: number): number => averageMs * (0.5 + chance.next());
    const again = (): void =>
      this.#after(around(fault.everyMs), () => happen(around(fault.forMs), again));
    if (fault.everyMs > 0) again();
    for (const ms of fault.atMs) this.#after(ms, () => happen(fault.forMs, () => {}));
  }

  #after(scenarioMs: number, act: () => void): void {
    if (this.#isHealed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isHealed) act();
    }, scenarioMs * this.#options.scale);
    this.#timers.add(timer);
  }

  #ending(device: string, end: End): void {
    const ended = this.#mustStart(device, async () => end());
    this.#ends.add(ended);
    void ended.finally(() => this.#ends.delete(ended));
  }

  /** P7: what was killed starts, whatever that left behind. */
  async #mustStart(device: string, start: () => unknown): Promise<void> {
    try {
      await start();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.blame('P7', device, `it does not start: ${why}`);
    }
  }
}
