import {
  DeviceTime,
  Inspector,
  Journal,
  LifeEnd,
  Retention,
  RunStore,
  Runtime,
  Schedules,
  calendarOf,
  createUplink,
  deflate,
  makeReport,
  newAbort,
  onStray,
  whenSpent,
  type AbortHandle,
  type AgentFacts,
  type EndNote,
  type RuntimePorts,
  type UplinkPorts,
  type Workflow,
} from '@holdfast/agent/internal';
import { simAttempts } from '@holdfast/agent/testing';
import {
  HoldfastError,
  ascii,
  type Chance,
  type Dial,
  type Log,
  type Point,
  type Sha256,
} from '@holdfast/protocol';
import type { PlantedBug } from './planted-bug.ts';
import type { SimDisk } from './sim-disk.ts';
import { signerOf, verifySim } from './sim-signer.ts';
import { damageOn, salvageDisk } from './sim-salvage.ts';
import { ProcessClock, type MachineClock } from './virtual-time.ts';

export type AnyWorkflow = Workflow<never, unknown>;

export interface SimAgentOptions {
  readonly device: string;
  /** Where it runs: two machines may have the identity of one device. */
  readonly machine: string;
  readonly disk: SimDisk;
  readonly clock: MachineClock;
  readonly sha256: Sha256;
  readonly chance: Chance;
  readonly log: Log;
  readonly dial: Dial;
  /** The connection of a process that died. */
  readonly forget: () => void;
  readonly workflows: (life: AgentLife) => readonly AnyWorkflow[];
  readonly turn: (work: () => void) => void;
  readonly point: Point;
  /** The disk has a journal of another epoch now. */
  readonly onEpoch: (epoch: number) => void;
  /** By this number its entries name the boot of the machine that began then, true time. */
  readonly onBoot: (boot: MachineBegan) => void;
  readonly keepMs: number;
  readonly reconnectMaxMs: number;
  /** Called when the process has ended by itself. */
  readonly onFailed: () => void;
  readonly bug: PlantedBug;
}

export interface MachineBegan {
  readonly epoch: number;
  readonly boot: number;
  readonly beganMs: number;
}

/** What is true of one process of an agent. */
export interface AgentLife {
  readonly device: string;
  readonly machine: string;
  readonly boot: number;
  /** A dead one has no effect on anything. */
  readonly isAlive: boolean;
  readonly clock: ProcessClock;
}

/** What a store says of itself besides its rows: it goes with the disk. */
export interface StoreState {
  readonly epoch: number;
  /** On which machine it was begun. */
  readonly machine: string;
  /** This epoch was begun since the ledger has another life. */
  readonly isSecond: boolean;
  /** It is to be gone on with in a new epoch. */
  readonly end: EndNote | undefined;
}

/** The agent as it ships, over the disk, the clock and the network of a machine. */
export class SimAgent {
  boots = 0;
  /** Its disk may hold what nobody wrote: the next start looks. */
  isSuspect = false;
  readonly #options: SimAgentOptions;
  /** Kept in a file beside the store: it survives with the disk. */
  #gatewayKey: Uint8Array | undefined;
  #life: Life | undefined;
  state: StoreState;

  constructor(options: SimAgentOptions) {
    this.#options = options;
    const { machine } = options;
    this.state = { epoch: 1, machine, isSecond: false, end: undefined };
  }

  get life(): Life | undefined {
    return this.#life;
  }

  /** Starts on what the disk holds. */
  async start(): Promise<void> {
    const { disk, device, machine, bug } = this.#options;
    if (this.boots >= (bug.startsMax ?? Number.POSITIVE_INFINITY)) return;
    this.boots += 1;
    const clock = new ProcessClock(this.#options.clock, bug.clock);
    const life = new Life({ device, machine, boot: this.boots, clock });
    this.#life = life;
    const { state } = this;
    const isHere = state.machine === machine || bug.isMoveUnseen === true;
    const end = (isHere ? state.end : (state.end ?? movedHere)) ?? (await this.#damage());
    if (end !== undefined) await this.#beginEpoch(life, end);
    // A process that was killed meanwhile does nothing any more.
    if (!life.isAlive) return;
    await life.compose(this.#options, disk.open(), {
      pin: { load: () => this.#gatewayKey, save: (key) => (this.#gatewayKey = key) },
      epoch: this.state.epoch,
      isSecond: this.state.isSecond,
      machineBoot: this.#bootName,
      endStore: async (note) => {
        if (life.isAlive) this.state = { ...this.state, end: note };
      },
    });
  }

  /** What the machine calls the boot that it is in. */
  get #bootName(): string {
    const { machine, clock } = this.#options;
    return clock.boots === 0 ? machine : `${machine} ${clock.boots}`;
  }

  /** A start looks at the ends of all lanes; here, where time is dear, only when that may tell. */
  async #damage(): Promise<EndNote | undefined> {
    if (!this.isSuspect) return undefined;
    const { disk, device, sha256 } = this.#options;
    const why = await damageOn(disk, { device, epoch: this.state.epoch, sha256 });
    return why === undefined ? undefined : { cause: 'salvaged', why, above: 0 };
  }

  /** Puts a store of a new epoch in the place of one that is not to be gone on with. */
  async #beginEpoch(life: Life, end: EndNote): Promise<void> {
    const { disk, device, machine, sha256, onEpoch, bug } = this.#options;
    const epoch = Math.max(this.state.epoch, end.above) + 1;
    const { clock } = life;
    const here = { name: this.#bootName, monoMs: clock.monoMs(), wallMs: clock.nowMs() };
    const of = { device, oldEpoch: this.state.epoch, newEpoch: epoch, here, sha256 };
    const { cause, why } = end;
    const rows = await salvageDisk(disk, { ...of, cause, why, isHasty: bug.isSalvageHasty });
    if (!life.isAlive) return;
    const isSecond = cause === 'rewound' || cause === 'forked';
    this.state = { epoch, machine, isSecond, end: undefined };
    onEpoch(epoch);
    disk.replace(rows);
  }

  /** As SIGKILL, or a power cut: for a disk that loses what was not synced they are the same. */
  kill(): void {
    this.#life?.die();
    this.#life = undefined;
    this.#options.disk.cutPower();
    this.#options.forget();
  }
}

const movedHere: EndNote = { cause: 'moved', why: 'it was begun on another machine', above: 0 };

/** What a process has besides what it is composed of. */
interface Beside {
  readonly pin: UplinkPorts['pin'];
  readonly epoch: number;
  readonly isSecond: boolean;
  readonly machineBoot: string;
  readonly endStore: (end: EndNote) => Promise<void>;
}

/** One process. */
export class Life implements AgentLife {
  readonly device: string;
  readonly machine: string;
  readonly boot: number;
  readonly clock: ProcessClock;
  isAlive = true;
  /** Until it is recovered, it takes nothing. */
  isReady = false;
  readonly #aborts = new Set<AbortHandle>();
  #parts: Parts | undefined;

  constructor(of: Pick<Life, 'device' | 'machine' | 'boot' | 'clock'>) {
    this.device = of.device;
    this.machine = of.machine;
    this.boot = of.boot;
    this.clock = of.clock;
  }

  /** Its parts; there are some once it is ready. */
  get parts(): Parts {
    if (this.#parts !== undefined) return this.#parts;
    throw new HoldfastError('HF_AGENT_CLOSED');
  }

  async compose(
    options: SimAgentOptions,
    store: Parts['disk'],
    { pin, epoch, isSecond, machineBoot, endStore }: Beside,
  ): Promise<void> {
    const { device, sha256, chance, log, turn, point, keepMs, onFailed } = options;
    const { clock: machine } = this;
    // The clocks of a machine go on while its agent is dead.
    const clock = await DeviceTime.open({ clock: machine, log, store, machineBoot });
    const { boot } = clock;
    options.onBoot({ epoch, boot, beganMs: options.clock.beganMs });
    const journal = await Journal.open({ device, epoch, boot, clock, sha256, store, point });
    clock.saveWith((ops) => void journal.append([], () => ops).catch(() => undefined));
    void journal.failed.then(() => (this.isAlive ? onFailed() : undefined));
    const runs = new RunStore(store, journal);
    const ports: RuntimePorts = {
      ...{ clock, chance, log, sha256, onStray, attempts: simAttempts(clock) },
      ...{ turn, whenSpent },
      newAbort: () => this.#newAbort(),
    };
    const workflows = options.workflows(this);
    const isOnline = (): boolean => uplink.state().state.startsWith('sync');
    const conditionOf = (name: string) =>
      name === 'online' ? { check: isOnline, everyMs: 5_000 } : undefined;
    const runtime = new Runtime({ ports, journal, store: runs, workflows, conditionOf });
    const inspector = new Inspector({ journal, store: runs, resident: (n) => runtime.resident(n) });
    const schedules = new Schedules({ device, ports, journal, store, runtime, calendarOf });
    const onPurged = (state: Parameters<Runtime['purged']>[0]) => runtime.purged(state);
    const known = options.bug.isRetentionBlind === true ? blind(journal) : journal;
    const parts = { clock, log, journal: known, store: runs, keepMs, onPurged };
    const retention = new Retention({ ...parts, hasLedger: true });
    const facts: AgentFacts = {
      ...{ device, epoch, version: '0.0.0', pid: 1, startedAtMs: clock.nowMs(), gateway: null },
      ...{ recreated: false, salvage: undefined },
      identity: () => ({ key: null, certificate: null }),
    };
    const side: UplinkPorts['runtime'] = {
      lastCommand: () => runtime.lastCommand(),
      applyCommands: (commands) => runtime.applyCommands(commands),
      report: async () => {
        const oldestAtMs = await inspector.oldestAtMs();
        return makeReport({ facts, clock: machine, journal, oldestAtMs, counts: runtime.counts() });
      },
    };
    const lifeEnd = new LifeEnd({ endStore, clock, log, isSecond });
    void lifeEnd.ended.then(() => (this.isAlive ? onFailed() : undefined));
    const onOutlived: UplinkPorts['onOutlived'] = (outlived) => {
      if (options.bug.isEpochKept !== true) void lifeEnd.end(outlived);
    };
    const onTime: UplinkPorts['onTime'] = (gatewayMs, tookMs) => clock.heard(gatewayMs, tookMs);
    const told = { onOutlived, onTime };
    const security = { signer: signerOf(device), verify: verifySim, pin, deflate, ...told };
    const bugged = options.bug.uplink ?? ((same) => same);
    const uplink = createUplink(
      bugged({ journal, runtime: side, dial: options.dial, clock, chance, log, ...security }),
      {
        ...{ device, agentVersion: facts.version, machine: ascii(this.machine) },
        limits: { retryMsMax: options.reconnectMaxMs, ...options.bug.uplinkLimits },
      },
    );
    uplink.onChange(() => runtime.nudgeConditions());
    this.#parts = { disk: store, journal, runtime, inspector, schedules };
    await runtime.recover();
    if (options.bug.isRetentionIdle !== true) retention.start();
    uplink.start();
    this.isReady = true;
  }

  /** Bodies of steps that wait cannot be killed: their signals abort. */
  die(): void {
    this.isAlive = false;
    this.isReady = false;
    this.clock.die();
    for (const handle of this.#aborts) handle.abort(new HoldfastError('HF_AGENT_CLOSED'));
  }

  #newAbort(): AbortHandle {
    const handle = newAbort();
    this.#aborts.add(handle);
    return handle;
  }
}

export interface Parts {
  readonly disk: ConstructorParameters<typeof RunStore>[0];
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly inspector: Inspector;
  readonly schedules: Schedules;
}

/** A journal that claims to be in the ledger. */
function blind(journal: Journal): Journal {
  return new Proxy(journal, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property === 'positions') {
        return () => target.positions().map((lane) => ({ ...lane, acked: lane.head }));
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
