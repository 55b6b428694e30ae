import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  HoldfastError,
  checkName,
  durationMs,
  encodeValue,
  type Duration,
  type Log,
  codeOf,
  messageOf,
  type ErrorCode,
} from '@holdfast/protocol';
import type { AgentOptions, RunsFilter, ScheduleOptions, StartOptions } from './agent-options.ts';
import { AgentReaderCore, isSynced, makeReport } from './core/agent-surface.ts';
import type { AgentFacts } from './core/agent-surface.ts';
import { budgetOf, type Budget } from './core/budget.ts';
import type { Entity, EntityCommands } from './core/entity.ts';
import { DeviceTime } from './core/device-time.ts';
import { Inspector } from './core/inspect.ts';
import { Journal, type JournalOptions } from './core/journal.ts';
import { LifeEnd, type EndNote } from './core/life-end.ts';
import { LiveSurface } from './core/live-surface.ts';
import type { RuntimePorts } from './core/ports.ts';
import { Relief } from './core/relief.ts';
import { Retention } from './core/retention.ts';
import { RunStore } from './core/run-store.ts';
import { Runtime } from './core/runtime.ts';
import { Schedules, storedSchedules } from './core/schedules.ts';
import { SOCKET_NAME, type AgentReader, type AgentSurface } from './core/surface.ts';
import type { SendBytes } from './core/surface.ts';
import { createUplink, type Uplink } from './core/uplink-shell.ts';
import type { Outlived } from './core/uplink-verdict.ts';
import type { RunsView, RunState, StatusView } from './core/views.ts';
import type { EmitOptions, Workflow } from './core/workflow.ts';
import type { Erased } from './core/erasure.ts';
import { EntityHandle } from './entity-handle.ts';
import { newAbort, turn } from './io/abort.ts';
import { systemChance } from './io/chance.ts';
import { calendarOf } from './io/cron.ts';
import { openDataDir, openExisting, type DataDir } from './io/data-dir.ts';
import { deflate } from './io/deflate.ts';
import { dirBytes } from './io/dir-bytes.ts';
import { deviceKeyName, openDeviceKey, openGatewayPin, verify } from './io/device-key.ts';
import { watchStore } from './io/gone-watch.ts';
import { machineOf } from './io/machine.ts';
import { createMqttDial } from './io/mqtt-dial.ts';
import { attempts } from './io/retry.ts';
import { sha256 } from './io/sha256.ts';
import { serveNoted } from './io/socket-note.ts';
import { checkSocketPath } from './io/socket-path.ts';
import { sendSnapshot } from './io/snapshot-file.ts';
import type { SocketServer } from './io/socket-server.ts';
import { loadUserKey } from './io/store-key.ts';
import { onStray } from './io/strays.ts';
import { machineBoot, systemClock } from './io/system-clock.ts';
import { RunHandle } from './run-handle.ts';
import { ScheduleHandle } from './schedule-handle.ts';
import { idle } from './idle.ts';
import { conditionsOf } from './step-conditions.ts';

const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };
const RETENTION_DEFAULT = '7d';
/** How long steps at work may take to end after `close`, before their signals abort. */
const CLOSE_GRACE_MS = 2_000;

/**
 * The process's hold on a device: runs its workflows, journals what they do, and keeps the ledger
 * up to date when there is a link.
 */
export class Agent {
  /** What the socket serves. */
  readonly surface: AgentSurface;
  /**
   * Resolves when this agent cannot go on: close it, and open another one. Either stable storage
   * failed and nothing is journaled any more; or, with HF_JOURNAL_REWOUND or HF_CHAIN_BROKEN, the
   * ledger has another life of this journal, and the next open begins a new epoch: until then runs
   * go on, and nothing is sent.
   */
  readonly failed: Promise<HoldfastError>;
  readonly #parts: AgentParts;
  #server: SocketServer | undefined;

  private constructor(parts: AgentParts) {
    this.#parts = parts;
    this.surface = parts.surface;
    this.failed = Promise.race([parts.journal.failed, parts.lifeEnd.ended]);
  }

  /**
   * Opens the data directory and goes on where it was left: runs that were at work go on, timers
   * that came due meanwhile fire, and what the ledger lacks is sent.
   *
   * @throws HF_CONFIG_INVALID, HF_GATEWAY_ADDRESS, HF_WORKFLOW_DUPLICATE before anything is
   *   touched; HF_DATA_DIR_UNUSABLE, HF_DATA_DIR_OTHER_DEVICE, HF_STORE_LOCKED, HF_STORE_FORMAT,
   *   HF_STORE_KEY, HF_STORE_DAMAGED, HF_SOCKET_TAKEN.
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const keepMs = durationMs(options.retention ?? RETENTION_DEFAULT);
    const budget = budgetOf(options.journalMaxBytes);
    const log = options.log ?? silent;
    // A wrong address is found before the store is touched.
    const dial = options.gateway === undefined ? undefined : dialOf(options, options.gateway);
    const socket = socketOf(options);
    if (socket !== undefined) checkSocketPath(socket);
    const machine = machineOf(options.machine);
    const storeKey = keyOf(options.storeKey);
    const { device, isMoved } = options;
    const openDir = () => openDataDir(options.dataDir, { device, storeKey, machine, isMoved });
    const rest = { log, keepMs, budget, dial };
    const parts = await recovered(options, { dir: await openDir(), ...rest }).catch(
      async (error: unknown) => {
        if (!isDamage(error)) throw error;
        log.error('the store is damaged', { why: messageOf(error) });
        // It is salvaged now, since it was said not to be trusted.
        return recovered(options, { dir: await openDir(), ...rest });
      },
    );
    const agent = new Agent(parts);
    try {
      if (socket !== undefined) await agent.#serve(socket);
    } catch (error) {
      await agent.close();
      throw error;
    }
    parts.retention.start();
    parts.relief.start();
    parts.uplink?.start();
    return agent;
  }

  /**
   * Starts a run. It would survive a power cut once this resolves.
   *
   * @throws HF_WORKFLOW_UNKNOWN, HF_RUN_CONFLICT, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_VALUE_*,
   *   HF_JOURNAL_*.
   */
  async start<I, O>(
    workflow: Workflow<I, O>,
    input: NoInfer<I>,
    options: StartOptions = {},
  ): Promise<RunHandle<O>> {
    const encoded = encodeValue(input, 'input');
    const request = { ...options, workflow: workflow.name, input: encoded };
    const { id } = await this.#parts.runtime.start(request);
    return new RunHandle<O>(this.#parts, id);
  }

  /** A run that was started, in this process or before. @throws HF_RUN_UNKNOWN */
  async run<O = unknown>(id: string): Promise<RunHandle<O>> {
    await this.#parts.runtime.numberOf(id);
    return new RunHandle<O>(this.#parts, id);
  }

  /** One key of an entity, which must be among the workflows of this agent. */
  entity<S, C extends EntityCommands<S>>(of: Entity<S, C>, key: string): EntityHandle<S, C> {
    return new EntityHandle(this.#parts, of, checkName('key', key));
  }

  /**
   * One page of runs, newest first; without `all` or `state`, those that have not ended. `next` is
   * the cursor of the page behind it, `null` at the end: no run comes twice, and none is left out
   * that was there from the first page to the last.
   *
   * @throws HF_INPUT_INVALID for a cursor that is none.
   */
  runs(filter: RunsFilter = {}): Promise<RunsView> {
    const { state, since, until, limit = 100, ...rest } = filter;
    const states = state === undefined || Array.isArray(state) ? state : [state];
    const [sinceMs, untilMs] = [since, until].map((at) => (at === undefined ? at : Number(at)));
    return this.surface.runs({ ...rest, states, sinceMs, untilMs, limit });
  }

  /** Completes a step that is `external`, by its token. Durable. @throws HF_TOKEN_INVALID */
  async complete(token: string, result?: unknown): Promise<void> {
    await this.#parts.runtime.complete(token, { result: encodeValue(result, 'result') });
  }

  /** Fails a step that is `external`, by its token: no further attempt is made. Durable. */
  async fail(token: string, error: unknown): Promise<void> {
    await this.#parts.runtime.complete(token, { error });
  }

  /** Journals an event outside any run. It would survive a power cut once this resolves. */
  async emit(name: string, payload?: unknown, options: EmitOptions = {}): Promise<void> {
    const encoded = encodeValue(payload, 'payload');
    const { lane = 'normal', subject } = options;
    await this.#parts.runtime.emit({ name, payload: encoded, lane, subject });
  }

  /**
   * Deletes what this device holds on a subject, sent or not: the values of its runs, signals and
   * events. Entries that were not sent yet reach the ledger without them. Durable, and gone from
   * the files of the store, once it resolves.
   *
   * @throws HF_SUBJECT_NEEDED while a run that has not ended needs it; `force` ends such runs.
   */
  erase(subject: string, options: { force?: boolean } = {}): Promise<Erased> {
    return this.#parts.runtime.erase({ subject, ...options });
  }

  /**
   * Starts a run at each slot of a cron expression, exactly one a slot: the slot is part of the
   * run's id, and is journaled with its start. Deals with the slots that were missed since this
   * schedule was here last. That it exists is durable once this resolves.
   *
   * Nothing starts before the wall clock can be believed: not before this version was made, and
   * not before what was journaled last, unless the clock was set since.
   *
   * @throws HF_CRON_INVALID, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_DURATION_INVALID,
   *   HF_WORKFLOW_UNKNOWN, HF_VALUE_*, HF_SCHEDULE_DUPLICATE.
   */
  async schedule<I, O = unknown>(
    options: ScheduleOptions<I> & { readonly workflow: string | Workflow<I, O> },
  ): Promise<ScheduleHandle<O>> {
    const { workflow } = options;
    const name = typeof workflow === 'string' ? workflow : workflow.name;
    const id = await this.#parts.schedules.add({ ...options, workflow: name });
    return new ScheduleHandle<O>(this.#parts, id);
  }

  status(): Promise<StatusView> {
    return this.surface.status();
  }

  /** Whether the ledger has everything that is journaled here. */
  get isSynced(): boolean {
    return isSynced(this.#parts.journal);
  }

  /** Resolves once the ledger has everything. @throws HF_WAIT_TIMEOUT; default timeout 30 s. */
  async synced(options: { timeout?: Duration } = {}): Promise<void> {
    await this.surface.waitSynced({ timeoutMs: durationMs(options.timeout ?? '30s') });
  }

  /** Somebody knows that the network is up: try to connect now. */
  nudge(): void {
    this.#parts.uplink?.nudge();
  }

  /**
   * Ends in order: no new work, steps at work may end within two seconds and are aborted then,
   * what was appended is committed. Runs go on at the next open.
   */
  async close(): Promise<void> {
    const { uplink, retention, relief, runtime, schedules, clock, journal, dir } = this.#parts;
    await this.#server?.close();
    schedules.close();
    retention.close();
    await idle(runtime, CLOSE_GRACE_MS);
    const reason = new HoldfastError('HF_AGENT_CLOSED');
    await runtime.close(reason);
    await relief.close();
    await uplink?.close();
    clock.close();
    await journal.close(reason);
    await dir.release();
  }

  async #serve(path: string): Promise<void> {
    const { dir, log } = this.#parts;
    this.#server = await serveNoted(dir.path, { path, surface: this.surface, log });
  }
}

export interface AgentParts {
  readonly dir: DataDir;
  readonly log: Log;
  readonly clock: DeviceTime;
  readonly journal: Journal;
  readonly lifeEnd: LifeEnd;
  readonly store: RunStore;
  readonly inspector: Inspector;
  readonly runtime: Runtime;
  readonly schedules: Schedules;
  readonly retention: Retention;
  readonly relief: Relief;
  readonly uplink: Uplink | undefined;
  readonly surface: AgentSurface;
}

interface Prepared {
  readonly dir: DataDir;
  readonly log: Log;
  readonly keepMs: number;
  readonly budget: Budget;
  readonly dial: ReturnType<typeof dialOf> | undefined;
}

/** An agent that has read its store, and that nothing else has begun to happen to. */
async function recovered(options: AgentOptions, prepared: Prepared): Promise<AgentParts> {
  const { dir } = prepared;
  try {
    const parts = await compose(options, prepared);
    await parts.runtime.recover();
    return parts;
  } catch (error) {
    if (isDamage(error)) await dir.end(damageNote(messageOf(error)));
    await dir.release();
    throw error;
  }
}

const damageCodes: ReadonlySet<unknown> = new Set<ErrorCode>([
  'HF_STORE_DAMAGED',
  'HF_ENTRY_DAMAGED',
  // A row of ours that does not decode.
  'HF_MESSAGE_INVALID',
]);

function damageNote(why: string): EndNote {
  return { cause: 'salvaged', why, above: 0 };
}

function isDamage(error: unknown): boolean {
  return damageCodes.has(codeOf(error));
}

async function compose(options: AgentOptions, prepared: Prepared): Promise<AgentParts> {
  const { dir, log, keepMs, budget } = prepared;
  const clock = await DeviceTime.open({ clock: systemClock, log, store: dir.store, machineBoot });
  const onDamage = (error: unknown): void => {
    const why = messageOf(error);
    log.error('the journal is damaged; the next start salvages it', { why });
    void distrust(why);
  };
  // Nothing behind a damaged entry can be sent in this epoch; in the next one it can.
  const distrust = async (why: string): Promise<void> => {
    await dir.end(damageNote(why)).catch(() => undefined);
    journal.giveUp(new HoldfastError('HF_STORE_DAMAGED', { why }));
  };
  const journal: Journal = await openJournal(dir, clock, {
    ...{ onDamage, point: options.point, reopen: dir.reopen, log, budget },
  });
  watchStore(join(dir.path, 'store'), {
    ...{ journal, clock },
    onGone: () => journal.giveUp(new HoldfastError('HF_DATA_DIR_MISSING', { why: dir.path })),
  });
  const store = new RunStore(dir.store, journal);
  const ports: RuntimePorts = {
    ...{ clock, chance: systemChance, log, sha256, attempts, newAbort, turn, onStray },
    tracer: options.tracer,
  };
  const link: { uplink?: Uplink | undefined } = {};
  const conditionOf = conditionsOf(options, () => link.uplink);
  const { workflows, stepsAtOnce } = options;
  const onContinued = (number: number) => retention.continued(number);
  const runtime = new Runtime({
    ...{ ports, journal, store, workflows, conditionOf, stepsAtOnce, onContinued },
  });
  const resident = (number: number) => runtime.resident(number);
  const inspector = new Inspector({ journal, store, resident });
  // People compare its name before the device connects for the first time.
  if (prepared.dial !== undefined) openDeviceKey(dir.path);
  const facts: AgentFacts = {
    ...{ device: dir.device, epoch: dir.epoch, version: agentVersion, pid: process.pid },
    ...{ startedAtMs: clock.nowMs(), gateway: options.gateway ?? null },
    ...{ recreated: dir.recreated, salvage: dir.salvage, fileSystem: dir.fileSystem },
    key: deviceKeyName(dir.path) ?? null,
    fileBytes: () => dirBytes(join(dir.path, 'store')),
  };
  if (dir.salvage !== undefined) log.error('a new epoch began; see status', { ...dir.salvage });
  if (dir.fileSystem !== undefined) log.error('the data directory', { isOn: dir.fileSystem });
  if (dir.tornBytes > 0) log.info('the last write was cut off', { bytes: dir.tornBytes });
  if (dir.migration !== undefined) log.info('the store was migrated', { ...dir.migration });
  if (dir.recreated) log.error('the store was missing; a new epoch begins', { epoch: dir.epoch });
  const lifeEnd = newLifeEnd(dir, log);
  const uplink = openUplink(options, prepared, {
    ...{ facts, clock, journal, runtime, inspector, lifeEnd },
  });
  link.uplink = uplink;
  uplink?.onChange(() => runtime.nudgeConditions());
  const counts = async () => runtime.counts();
  const scheduling = { device: dir.device, ports, journal, store: dir.store, runtime, calendarOf };
  const schedules = new Schedules(scheduling);
  const parts = { facts, clock, journal, inspector, counts, link: () => uplink?.state() };
  const snapshot = (send: SendBytes) => sendSnapshot(dir, send);
  const told = { snapshot, node: process.versions.node, time: clock };
  const acts = { ...told, runtime, schedules, nudge: () => uplink?.nudge() };
  const surface = new LiveSurface({ ...parts, schedulesView: () => schedules.list(), ...acts });
  const onPurged = (state: RunState) => runtime.purged(state);
  // Also one that is run without its gateway for once.
  const hasLedger = uplink !== undefined || journal.positions().some(({ acked }) => acked > 0);
  const retention = new Retention({ clock, log, journal, store, keepMs, hasLedger, onPurged });
  const relief = new Relief({ journal, retention, budget, clock, log });
  const own = { dir, log, clock, journal, lifeEnd, store, inspector, runtime, schedules };
  return { ...own, retention, relief, uplink, surface };
}

function openUplink(
  options: AgentOptions,
  { dir, log, dial }: Prepared,
  parts: {
    readonly facts: AgentFacts;
    readonly clock: DeviceTime;
    readonly journal: Journal;
    readonly runtime: Runtime;
    readonly inspector: Inspector;
    readonly lifeEnd: LifeEnd;
  },
): Uplink | undefined {
  if (dial === undefined) return undefined;
  const { facts, clock, journal, runtime, inspector, lifeEnd } = parts;
  const report = async () => {
    const oldestAtMs = await inspector.oldestAtMs();
    // By the system's own clock: the gateway says how far that is off.
    return makeReport({ facts, clock: systemClock, journal, oldestAtMs, counts: runtime.counts() });
  };
  const { device, path } = dir;
  const signer = openDeviceKey(path);
  const pin = openGatewayPin(path);
  const apply = (...args: Parameters<Runtime['applyCommands']>) => runtime.applyCommands(...args);
  const side = { lastCommand: () => runtime.lastCommand(), applyCommands: apply, report };
  const security = { signer, verify, pin, chance: systemChance };
  const onOutlived = (outlived: Outlived): void => void lifeEnd.end(outlived);
  const told = { onOutlived, onTime: (atMs: number, tookMs: number) => clock.heard(atMs, tookMs) };
  return createUplink(
    { journal, runtime: side, dial: dial(device), clock, log, deflate, ...told, ...security },
    {
      ...{ device, agentVersion: facts.version, machine: Buffer.from(dir.machine, 'hex') },
      ...(options.uplink === undefined ? {} : { limits: options.uplink }),
    },
  );
}

function newLifeEnd(dir: DataDir, log: Log): LifeEnd {
  const { salvage, isNewEpoch, epoch } = dir;
  const causes: readonly unknown[] = ['rewound', 'forked'];
  const isSecond = isNewEpoch && salvage?.newEpoch === epoch && causes.includes(salvage.cause);
  return new LifeEnd({ endStore: (end) => dir.end(end), clock: systemClock, log, isSecond });
}

function socketOf({ dataDir, socket }: AgentOptions): string | undefined {
  return socket === true ? join(resolve(dataDir), SOCKET_NAME) : socket && resolve(socket);
}

async function openJournal(
  { device, epoch, store }: DataDir,
  time?: DeviceTime,
  hooks: Pick<JournalOptions, 'onDamage' | 'point' | 'reopen' | 'log' | 'budget'> = {},
): Promise<Journal> {
  const place = { device, epoch, boot: time?.boot ?? 0, store, clock: time ?? systemClock, sha256 };
  const journal = await Journal.open({ ...place, ...hooks });
  time?.saveWith((ops) => void journal.append([], () => ops).catch(() => undefined));
  return journal;
}

/** What can be told of a data directory whose agent does not run. Changes nothing. */
export async function readStopped(
  dataDir: string,
  storeKeySource?: AgentOptions['storeKey'],
): Promise<{
  readonly surface: AgentReader;
  close(): Promise<void>;
}> {
  const dir = await openExisting(dataDir, { storeKey: keyOf(storeKeySource) });
  try {
    const journal = await openJournal(dir);
    const store = new RunStore(dir.store, journal);
    const inspector = new Inspector({ journal, store, resident: () => undefined });
    const facts: AgentFacts = {
      ...{ device: dir.device, epoch: dir.epoch, version: agentVersion, pid: null },
      ...{ startedAtMs: null, gateway: null, recreated: false, salvage: dir.salvage },
      fileSystem: dir.fileSystem,
      key: deviceKeyName(dir.path) ?? null,
      fileBytes: () => dirBytes(join(dir.path, 'store')),
    };
    const counts = () => inspector.counts();
    const schedulesView = () => storedSchedules(dir.device, dir.store);
    const snapshot = (send: SendBytes) => sendSnapshot(dir, send);
    const told = { counts, schedulesView, snapshot, link: () => undefined };
    const parts = { facts, clock: systemClock, journal, inspector, ...told };
    return { surface: new AgentReaderCore(parts), close: () => dir.release() };
  } catch (error) {
    await dir.release();
    throw error;
  }
}

/** The version of this package. */
export const agentVersion: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  }
).version;

function keyOf(source: AgentOptions['storeKey']): Uint8Array | undefined {
  return source === undefined ? undefined : loadUserKey(source);
}

function dialOf({ tls, password, uplink }: AgentOptions, url: string) {
  return createMqttDial({
    url,
    // It knows better than the uplink what was missing, so it gives up first.
    ...(uplink?.connectMs === undefined ? {} : { connectMs: uplink.connectMs * 0.75 }),
    ...(tls === undefined ? {} : { tls }),
    ...(password === undefined ? {} : { password }),
  });
}
