import { HoldfastError, type Log, type Tracer } from '@holdfast/protocol';
import type { ConditionOf } from '../core/conditions.ts';
import { DeviceTime } from '../core/device-time.ts';
import { Inspector } from '../core/inspect.ts';
import { Journal } from '../core/journal.ts';
import type { AbortHandle, RuntimePorts } from '../core/ports.ts';
import { RunStore } from '../core/run-store.ts';
import { Runtime } from '../core/runtime.ts';
import { Schedules } from '../core/schedules.ts';
import type { Workflow } from '../core/workflow.ts';
import { newAbort, turn, whenSpent } from '../io/abort.ts';
import { calendarOf } from '../io/cron.ts';
import { sha256 } from '../io/sha256.ts';
import { onStray } from '../io/strays.ts';
import { LifeClock } from './life-clock.ts';
import { simAttempts } from './sim-attempts.ts';
import { SimChance } from './sim-chance.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimStore } from './sim-store.ts';

/** What a life of a device in virtual time is made of. */
export interface LifeOptions {
  readonly device: string;
  readonly seed: number;
  readonly clock: SimClock;
  readonly store: SimStore;
  readonly workflows: readonly Workflow<never, unknown>[];
  readonly log: Log;
  readonly conditionOf?: ConditionOf;
  readonly stepsAtOnce?: number | undefined;
  readonly tracer?: Tracer | undefined;
}

interface LifeParts {
  readonly world: LifeClock;
  readonly clock: DeviceTime;
  readonly store: SimStore;
  readonly journal: Journal;
  readonly runs: RunStore;
  readonly runtime: Runtime;
  readonly inspector: Inspector;
  readonly schedules: Schedules;
  readonly aborts: Set<AbortHandle>;
}

/** One process of an agent in virtual time, without its uplink: from its start to its death. */
export class Life {
  readonly journal: Journal;
  readonly runs: RunStore;
  readonly runtime: Runtime;
  readonly inspector: Inspector;
  readonly schedules: Schedules;
  readonly #parts: LifeParts;
  #hasFailed = false;

  private constructor(parts: LifeParts) {
    this.#parts = parts;
    this.journal = parts.journal;
    this.runs = parts.runs;
    this.runtime = parts.runtime;
    this.inspector = parts.inspector;
    this.schedules = parts.schedules;
    void parts.journal.failed.then(() => (this.#hasFailed = true));
  }

  /** Starts on what the disk holds. Call `recover` to let its runs go on. */
  static async open(options: LifeOptions): Promise<Life> {
    const { device, store, workflows, log, stepsAtOnce } = options;
    const world = new LifeClock(options.clock);
    const machineBoot = options.clock.boot;
    const clock = await DeviceTime.open({ clock: world, log, store, machineBoot });
    const { boot } = clock;
    const journal = await Journal.open({ device, epoch: 1, boot, clock, sha256, store });
    clock.saveWith((ops) => void journal.append([], () => ops).catch(() => undefined));
    const runs = new RunStore(store, journal);
    const aborts = new Set<AbortHandle>();
    // What was drawn in a life of which the disk has nothing is drawn again in the next.
    const chance = new SimChance(options.seed + store.writesEver);
    const ports: RuntimePorts = {
      ...{ clock, chance, log, sha256, onStray, attempts: simAttempts(clock) },
      ...{ turn, whenSpent },
      tracer: options.tracer,
      newAbort: () => {
        const handle = newAbort();
        aborts.add(handle);
        return handle;
      },
    };
    const conditionOf = options.conditionOf ?? (() => undefined);
    const runtime = new Runtime({
      ...{ ports, journal, store: runs, workflows, conditionOf, stepsAtOnce },
    });
    const resident = (number: number) => runtime.resident(number);
    const inspector = new Inspector({ journal, store: runs, resident });
    const schedules = new Schedules({ device, ports, journal, store, runtime, calendarOf });
    const parts = { world, clock, store, journal, runs, runtime, inspector, schedules, aborts };
    return new Life(parts);
  }

  /** What it knows of the time. */
  get clock(): DeviceTime {
    return this.#parts.clock;
  }

  /** Whether its disk refused a write: nothing of this life is journaled any more. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  recover(): Promise<void> {
    return this.runtime.recover();
  }

  /**
   * The process is killed. Bodies of steps that wait for something real cannot be: their signals
   * abort, and what they do later is ignored.
   *
   * @returns What the disk holds.
   */
  kill(): SimStore {
    const { world, store, aborts } = this.#parts;
    world.die();
    const left = store.crash();
    for (const handle of aborts) handle.abort(new HoldfastError('HF_AGENT_CLOSED'));
    return left;
  }
}
