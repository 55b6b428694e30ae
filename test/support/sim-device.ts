import type { Tracer } from '@holdfast/agent';
import {
  HoldfastError,
  encodeValue,
  laneIndex,
  lanes,
  type Command,
  type Log,
} from '@holdfast/protocol';
import {
  AgentReaderCore,
  Retention,
  type DeviceTime,
  type Inspector,
  type Journal,
  type RunStore,
  type Runtime,
  type ScheduleRequest,
  type Schedules,
  type Workflow,
} from '@holdfast/agent/internal';
import { Life, SimClock, SimStore } from '@holdfast/agent/testing';

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
  tracer: Tracer | undefined;
  store = new SimStore();
  #life: Life | undefined;
  #lives = 0;

  get runtime(): Runtime {
    return this.#alive().runtime;
  }
  get time(): DeviceTime {
    return this.#alive().clock;
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
  get schedules(): Schedules {
    return this.#alive().schedules;
  }

  /** Starts the agent's process on what the disk holds, and lets it recover. */
  async start(...workflows: readonly AnyWorkflow[]): Promise<void> {
    this.#lives += 1;
    const log: Log = {
      error: (message, fields) => this.errors.push(`${message} ${JSON.stringify(fields)}`),
      info: (message) => this.infos.push(message),
      debug: () => {},
    };
    const { conditions, clock, store, stepsAtOnce, tracer } = this;
    this.#life = await Life.open({
      ...{ device: 'sim-1', seed: this.#lives, workflows, log },
      ...{ clock, store, stepsAtOnce, tracer },
      conditionOf: (name) => {
        if (!conditions.has(name)) return undefined;
        return { check: () => conditions.get(name) === true, everyMs: 5_000 };
      },
    });
    await this.runtime.recover();
    await this.settle();
  }

  /** SIGKILL: nothing that this life still does has an effect. */
  crash(): void {
    this.store = this.#alive().kill();
    this.#life = undefined;
  }

  /** Ends in order, as at SIGTERM. */
  async stop(): Promise<void> {
    const { journal, runtime } = this.#alive();
    const reason = new HoldfastError('HF_AGENT_CLOSED');
    await runtime.close(reason);
    await journal.close(reason);
    this.crash();
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

  async schedule(request: ScheduleRequest): Promise<string> {
    const id = await this.schedules.add(request);
    await this.settle();
    return id;
  }

  async signal(name: string, payload?: unknown, options: { id?: string; run?: string } = {}) {
    const { id, run = 'run-1' } = options;
    await this.runtime.signal({ run, name, payload: encodeValue(payload), id });
    await this.settle();
  }

  async command(command: Partial<Command> & Pick<Command, 'number'>): Promise<void> {
    const of = { run: 'run-1', op: 1, key: '', name: '' };
    const base = { kind: 'call.completed', expiresAtMs: 0, ...of } as const;
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

  /** The ledger has everything that was journaled. */
  async acknowledge(): Promise<void> {
    const positions = this.journal.positions();
    for (const lane of lanes) {
      const { head, headHash } = positions[laneIndex(lane)];
      await this.journal.acknowledge(lane, head, headHash);
    }
    await this.settle();
  }

  /** One pass of retention. @returns How many entries were deleted. */
  sweep(keepMs = 0): Promise<number> {
    return this.retention({ keepMs, hasLedger: true }).sweep();
  }

  retention(options: { readonly keepMs: number; readonly hasLedger: boolean }): Retention {
    const { time: clock, journal, runs: store, runtime } = this;
    const log: Log = { error: () => {}, info: () => {}, debug: () => {} };
    const onPurged: Runtime['purged'] = (state) => runtime.purged(state);
    return new Retention({ ...options, clock, log, journal, store, onPurged });
  }

  /** What the socket and the command line read. */
  get reader(): AgentReaderCore {
    const { clock, journal, inspector, runtime, schedules } = this;
    return new AgentReaderCore({
      ...{ clock, journal, inspector, link: () => undefined },
      snapshot: () => Promise.resolve(),
      counts: () => Promise.resolve(runtime.counts()),
      schedulesView: () => schedules.list(),
      facts: {
        ...{ device: 'sim-1', epoch: 1, version: '0.0.0', pid: 1, startedAtMs: clock.nowMs() },
        ...{ gateway: null, recreated: false, salvage: undefined },
        identity: () => ({ key: null, certificate: null }),
      },
    });
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

/** Everything that can go on without time or the outside has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
