import type { Chance } from '@holdfast/protocol';
import { factsOf, type FaultKind } from '../scenario/fault-kinds.ts';
import type { Fault } from '../scenario/scenario.ts';
import { checkTornBackup } from './backup-checks.ts';
import type { Machine, World } from './world.ts';

/** Ends what has begun. */
type End = () => void;

interface Happening {
  readonly world: World;
  readonly chance: Chance;
  readonly params: Fault['params'];
  readonly forMs: number;
}

type ToDevice = (machine: Machine, happening: Happening) => End;
type ToFleet = (happening: Happening) => End;

const toDevices: Readonly<Partial<Record<FaultKind, ToDevice>>> = {
  outage: ({ name }, { world: { network } }) => {
    network.setUp(name, false);
    return () => network.setUp(name, true);
  },
  'one-way': ({ name }, { world, chance }) =>
    silence(world, name, chance.next() < 0.5 ? 'up' : 'down'),
  // What was there stays dead when all is well again: whoever has it has to notice.
  'half-open': ({ name }, { world }) => {
    world.network.deaden(name);
    return silence(world, name, 'both');
  },
  'slow-link': ({ name }, { world, params }) => {
    const air = world.network.airOf(name);
    air.bytesPerMs = (params['kbit'] ?? 1) / 8;
    air.latencyMs = params['latency'] ?? 0;
    return () => Object.assign(air, straightAir);
  },
  kill: ({ name, agent }, { world }) => {
    agent.kill();
    return () => world.startAgent(name);
  },
  // Each time it lives as long as chance has it.
  'restart-storm': ({ name, agent }, { world, chance, params }) => {
    let isOver = false;
    const strike = (): void => {
      if (isOver || world.isHealing) return;
      agent.kill();
      world.startAgent(name);
      world.time.wakeIn(chance.next() * (params['after'] ?? 0), strike);
    };
    strike();
    return () => (isOver = true);
  },
  pause: ({ agent }) => {
    const { life } = agent;
    life?.clock.pause();
    return () => life?.clock.resume();
  },
  'slow-disk': ({ disk }, { chance, params }) => {
    disk.syncMs = (params['sync'] ?? 0) * (0.2 + 0.8 * chance.next());
    return () => (disk.syncMs = 1);
  },
  'full-disk': ({ disk }) => {
    disk.isFull = true;
    return () => (disk.isFull = false);
  },
  'failing-disk': ({ disk }, { params }) => {
    disk.failing = params['share'] ?? 0;
    return () => (disk.failing = 0);
  },
  // What lives may meet it, or mend it; what starts looks for it.
  'bit-rot': (machine, { world, chance }) => {
    world.rot(machine, chance);
    return () => {
      machine.agent.kill();
      world.startAgent(machine.name);
    };
  },
  'clock-jump': ({ clock }, { chance, params }) => {
    clock.offsetMs = (chance.next() * 2 - 1) * (params['by'] ?? 0);
    return () => (clock.offsetMs = 0);
  },
  'clock-drift': ({ clock }, { params }) => {
    clock.drift((params['per-hour'] ?? 0) / HOUR_MS);
    return () => clock.drift(0);
  },
  // What is on the disk when it begins is there again when it is over.
  rewind: (machine, { world }) => {
    const image = world.imageOf(machine);
    return () => {
      world.rewind(machine, image);
      world.startAgent(machine.name);
    };
  },
  clone: (machine, { world }) => world.clone(machine, world.imageOf(machine)),
  'clock-1970': ({ name, agent, clock }, { world }) => {
    agent.kill();
    clock.reboot();
    clock.offsetMs = -world.time.nowMs();
    world.time.wakeIn(BOOT_MS, () => world.startAgent(name));
    return () => (clock.offsetMs = 0);
  },
};

const toFleet: Readonly<Partial<Record<FaultKind, ToFleet>>> = {
  'city-outage': ({ world }) => {
    for (const { name } of world.machines) world.network.setUp(name, false);
    return () => {
      for (const { name } of world.machines) world.network.setUp(name, true);
    };
  },
  'broker-down': ({ world: { network } }) => {
    network.setBroker(false);
    return () => network.setBroker(true);
  },
  // What the ledger holds when it begins is all that it holds when it is over.
  'ledger-restore': ({ world, chance, params }) => {
    const image = world.gateway.database.disk.image();
    const isTorn = chance.next() < (params['torn'] ?? 0);
    return () => {
      world.note('restore ledger');
      // Whoever puts a backup back has it verified before.
      if (isTorn) void checkTornBackup(world, image, chance);
      world.gateway.restore(image);
      world.witness.ledgerRestored();
      world.startGateway();
    };
  },
  'gateway-kill': ({ world }) => {
    world.gateway.kill();
    return () => world.startGateway();
  },
};

const HOUR_MS = 3_600_000;
const BOOT_MS = 3_000;
const straightAir = { bytesPerMs: Number.POSITIVE_INFINITY, latencyMs: 20 };

function silence(world: World, name: string, way: 'up' | 'down' | 'both'): End {
  const air = world.network.airOf(name);
  air.isSilentUp = way !== 'down';
  air.isSilentDown = way !== 'up';
  return () => Object.assign(air, { isSilentUp: false, isSilentDown: false });
}

/** Begins what goes wrong in a world, each thing at times that chance decides. */
export function beginMishaps(world: World, faults: readonly Fault[]): void {
  for (const [index, fault] of faults.entries()) {
    const begin = (device: string, act: (happening: Happening) => End): void => {
      // Of its own: one fault less leaves the others as they were.
      const chance = world.chanceOf(`fault ${index} ${fault.kind} ${device}`);
      new Recurring(world, { fault, chance, device, act }).begin();
    };
    const { kind, devices = world.machines.length } = fault;
    if (factsOf(kind).of === 'fleet') {
      begin('', (happening) => toFleet[kind]?.(happening) ?? nothing);
      continue;
    }
    for (const machine of world.machines.slice(0, devices)) {
      begin(machine.name, (happening) => toDevices[kind]?.(machine, happening) ?? nothing);
    }
  }
}

const nothing: End = () => {};

interface Cause {
  readonly fault: Fault;
  readonly chance: Chance;
  /** Empty: all of them. */
  readonly device: string;
  readonly act: (happening: Happening) => End;
}

/** One fault of one device, or of all: it begins, lasts, ends, and comes again. */
class Recurring {
  readonly #world: World;
  readonly #cause: Cause;

  constructor(world: World, cause: Cause) {
    this.#world = world;
    this.#cause = cause;
  }

  begin(): void {
    const { everyMs, atMs, forMs } = this.#cause.fault;
    if (everyMs > 0) this.#wait();
    for (const ms of atMs) this.#world.time.wakeIn(ms, () => this.#happen(forMs, () => {}));
  }

  /** Between half and one and a half of the average. */
  #around(averageMs: number): number {
    return averageMs * (0.5 + this.#cause.chance.next());
  }

  #wait(): void {
    const { everyMs, forMs } = this.#cause.fault;
    this.#world.time.wakeIn(this.#around(everyMs), () =>
      this.#happen(this.#around(forMs), () => this.#wait()),
    );
  }

  #happen(forMs: number, then: () => void): void {
    const world = this.#world;
    const { fault, chance, device, act } = this.#cause;
    if (world.isHealing) return;
    const end = act({ world, chance, params: fault.params, forMs });
    const noted = world.timeline.begin(fault.kind, device, world.time.monoMs());
    world.time.wakeIn(forMs, () => {
      // Healing has ended it already.
      if (world.isHealing) return;
      end();
      world.timeline.end(noted, world.time.monoMs());
      then();
    });
  }
}
