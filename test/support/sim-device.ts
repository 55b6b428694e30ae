import { HoldfastError, encodeValue, type Clock, type Command, type Log } from '@holdfast/protocol';
import {
  Inspector,
  Journal,
  RunStore,
  Runtime,
  newAbort,
  onStray,
  delayAfter,
  sha256,
  turn,
  type Attempts,
  type Workflow,
} from '@holdfast/agent/internal';
import { SimChance } from './sim-chance.ts';
import { SimClock } from './sim-clock.ts';
import { SimStore } from './sim-store.ts';

type AnyWorkflow = Workflow<never, unknown>;

/** The runtime in virtual time over a disk in memory: dies and starts again on demand. */
export class SimDevice {
  readonly clock = new SimClock();
  readonly errors: string[] = [];
  /** What runs have logged, and what was logged of them. */
  readonly infos: string[] = [];
  /** Conditions that steps can wait for, and whether they hold. */
  readonly conditions = new Map<string, boolean>();
  stepsAtOnce: number | undefined;
  store = new SimStore();
  #life: Life | undefined;
  #boot = 0;

  get runtime(): Runtime {
    return this.#alive().runtime;
  }
  get journal(): Journal {
    return this.#alive().journal;
  }
  get inspector(): Inspector {
    return this.#alive().inspector;
  }
  get runs(): RunStore {
    return this.#alive().runs;
  }

  /** Starts the agent's process on what the disk holds, and lets it recover. */
  async start(...workflows: readonly AnyWorkflow[]): Promise<void> {
    this.#boot += 1;
    const clock = new LifeClock(this.clock);
    const store = this.store;
    const journal = await Journal.open({
      ...{ device: 'sim-1', epoch: 1, boot: this.#boot, clock, sha256, store },
    });
    const runs = new RunStore(store, journal);
    const log: Log = {
      error: (message, fields) => this.errors.push(`${message} ${JSON.stringify(fields)}`),
      info: (message) => this.infos.push(message),
      debug: () => {},
    };
    const runtime = new Runtime({
      ports: {
        ...{ clock, chance: new SimChance(this.#boot), log, sha256, newAbort, turn, onStray },
        attempts: simAttempts(clock),
      },
      ...{ journal, store: runs, workflows, stepsAtOnce: this.stepsAtOnce },
      conditionOf: (name) => {
        const { conditions } = this;
        if (!conditions.has(name)) return undefined;
        return { check: () => conditions.get(name) === true, everyMs: 5_000 };
      },
    });
    const inspector = new Inspector({
      ...{ journal, store: runs, resident: (number) => runtime.resident(number) },
    });
    this.#life = { clock, journal, runs, runtime, inspector };
    await runtime.recover();
    await this.settle();
  }

  /** SIGKILL: nothing that this life still does has an effect. */
  crash(): void {
    this.#alive().clock.die();
    this.store = this.store.crash();
    this.#life = undefined;
  }

  /** Ends in order, as at SIGTERM. */
  async stop(): Promise<void> {
    const { clock, journal, runtime } = this.#alive();
    const reason = new HoldfastError('HF_AGENT_CLOSED');
    await runtime.close(reason);
    await journal.close(reason);
    clock.die();
    this.store = this.store.crash();
    this.#life = undefined;
  }

  async restart(...workflows: readonly AnyWorkflow[]): Promise<void> {
    this.crash();
    await this.start(...workflows);
  }

  async begin(workflow: AnyWorkflow, input: unknown, id = 'run-1'): Promise<string> {
    const encoded = encodeValue(input, 'input');
    const started = await this.runtime.start({ workflow: workflow.name, input: encoded, id });
    await this.settle();
    return started.id;
  }

  async signal(name: string, payload?: unknown, options: { id?: string; run?: string } = {}) {
    const { id, run = 'run-1' } = options;
    await this.runtime.signal({ run, name, payload: encodeValue(payload), id });
    await this.settle();
  }

  async command(command: Partial<Command> & Pick<Command, 'number'>): Promise<void> {
    const base = { kind: 'call.completed', expiresAtMs: 0, run: 'run-1', op: 1, key: '' } as const;
    await this.runtime.applyCommands([{ ...base, payload: encodeValue('done'), ...command }]);
    await this.settle();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let round = 0; round < 40; round += 1) await turn();
  }

  async result(id = 'run-1'): Promise<unknown> {
    return this.inspector.result(await this.runtime.numberOf(id));
  }

  async state(id = 'run-1'): Promise<string> {
    return (await this.inspector.run(id)).state;
  }

  /** `kind name` of each entry of a run's history. */
  async history(id = 'run-1'): Promise<string[]> {
    const { history } = await this.inspector.run(id);
    return history.map(({ kind, name }) => (name === null ? kind : `${kind} ${name}`));
  }

  #alive(): Life {
    if (this.#life === undefined) throw new Error('the device is off');
    return this.#life;
  }
}

interface Life {
  readonly clock: LifeClock;
  readonly journal: Journal;
  readonly runs: RunStore;
  readonly runtime: Runtime;
  readonly inspector: Inspector;
}

/** The world's clock as one process sees it; what a dead one asked for never comes. */
class LifeClock implements Clock {
  readonly #world: Clock;
  #isDead = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  die(): void {
    this.#isDead = true;
  }
  nowMs(): number {
    return this.#world.nowMs();
  }
  monoMs(): number {
    return this.#world.monoMs();
  }
  wakeIn(delayMs: number, wake: () => void): () => void {
    return this.#world.wakeIn(delayMs, () => {
      if (!this.#isDead) wake();
    });
  }
}

/** Attempts in virtual time. */
function simAttempts(clock: Clock): Attempts {
  return async (run, options) => {
    for (let attempt = options.first; ; attempt += 1) {
      try {
        await run(attempt);
        return;
      } catch (error) {
        const isLast = attempt >= options.last;
        const delayMs = isLast ? undefined : delayAfter(options, attempt);
        const answer = await options.onFailed(attempt, error, delayMs);
        if (answer === 'stop' || delayMs === undefined || options.signal.aborted) return;
        await new Promise<void>((resolve) => clock.wakeIn(delayMs, resolve));
        if (options.signal.aborted) return;
      }
    }
  };
}
