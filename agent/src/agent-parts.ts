import { join } from 'node:path';
import {
  HoldfastError,
  Progress,
  brokerProfile,
  codeOf,
  durationMs,
  messageOf,
  type ErrorCode,
  type Log,
  type ProgressPlace,
} from '@holdfast/protocol';
import { factsOf } from './agent-facts.ts';
import type { AgentOptions } from './agent-options.ts';
import { budgetOf, checkBytes, type Budget } from './core/budget.ts';
import { Compaction } from './core/compaction.ts';
import { DeviceTime } from './core/device-time.ts';
import { Inspector } from './core/inspect.ts';
import type { Journal } from './core/journal.ts';
import { KeptLog } from './core/kept-log.ts';
import { LifeEnd, type EndNote } from './core/life-end.ts';
import type { LinkPlan } from './core/link-plan.ts';
import { LiveSurface } from './core/live-surface.ts';
import type { RuntimePorts } from './core/ports.ts';
import { Relief } from './core/relief.ts';
import { Retention } from './core/retention.ts';
import { RunStore } from './core/run-store.ts';
import { Runtime } from './core/runtime.ts';
import { Schedules } from './core/schedules.ts';
import type { AgentSurface, SendBytes } from './core/surface.ts';
import type { Uplink } from './core/uplink-shell.ts';
import { valuesWithin } from './core/value-parts.ts';
import type { RunState } from './core/views.ts';
import { newAbort, turn, whenSpent } from './io/abort.ts';
import { openBrokerMemory, type KnownBroker } from './io/broker-memory.ts';
import { systemChance } from './io/chance.ts';
import { calendarOf } from './io/cron.ts';
import { openDataDir, type DataDir } from './io/data-dir.ts';
import { openDeviceKey } from './io/device-key.ts';
import { dirBytes } from './io/dir-bytes.ts';
import { DiskRoom } from './io/disk-room.ts';
import { noteHeads } from './io/head-notes.ts';
import { watchStore } from './io/gone-watch.ts';
import { machineOf } from './io/machine.ts';
import { attempts } from './io/retry.ts';
import { sha256 } from './io/sha256.ts';
import { sendSnapshot } from './io/snapshot-file.ts';
import { userKeyOf } from './io/store-key.ts';
import { onStray } from './io/strays.ts';
import { machineBoot, systemClock } from './io/system-clock.ts';
import { keyChanger } from './key-orders.ts';
import { checkNames } from './known-options.ts';
import { openJournal } from './open-journal.ts';
import { openMeter, planOf } from './open-meter.ts';
import { dialOf, enrolledOptions, openUplink, type DialOf } from './open-uplink.ts';
import { conditionsOf } from './step-conditions.ts';

const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };
const RETENTION_DEFAULT = '7d';

/** What an agent is made of. */
export interface AgentParts {
  readonly dir: DataDir;
  /** Nobody looks any more whether the store is there. */
  readonly unwatch: () => void;
  readonly room: DiskRoom;
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
  readonly compaction: Compaction;
  readonly uplink: Uplink | undefined;
  readonly surface: AgentSurface;
}

/** The parts of an agent that has read its store, and that nothing else has begun to happen to. */
export async function openParts(given: AgentOptions): Promise<AgentParts> {
  checkNames(given);
  const options = enrolledOptions(given);
  const { device, isMoved } = options;
  const log = new KeptLog(options.log ?? silent, () => systemClock.nowMs());
  const keepMs = durationMs(options.retention ?? RETENTION_DEFAULT);
  const budget = budgetOf(options.journalMaxBytes, options.retentionBytes);
  checkBytes('diskReserveBytes', options.diskReserveBytes);
  // A wrong address is found before the store is touched.
  const dial = dialOf(options);
  const plan = planOf(options);
  const machine = machineOf(options.machine);
  const storeKey = userKeyOf(options.storeKey);
  const open = async () => {
    const migrating = new Progress(inLog(log), { what: 'migrating the store', unit: 'rows' });
    const progress = (rows: number, of?: number): void => migrating.to(rows, of);
    const own = { device, storeKey, machine, isMoved, progress };
    const dir = await openDataDir(options.dataDir, own);
    return recovered(options, { dir, log, keepMs, budget, dial, plan });
  };
  return open().catch((error: unknown) => {
    if (!isDamage(error)) throw error;
    log.error('the store is damaged', { why: messageOf(error) });
    // It is salvaged now, since it was said not to be trusted.
    return open();
  });
}

/** Progress as lines of a log. */
function inLog(log: Log): ProgressPlace {
  const nowMs = (): number => systemClock.monoMs();
  return { isTerminal: false, nowMs, write: (text) => log.info(text.trimEnd()) };
}

interface Prepared {
  readonly dir: DataDir;
  readonly log: KeptLog;
  readonly keepMs: number;
  readonly budget: Budget;
  readonly dial: DialOf | undefined;
  readonly plan: LinkPlan | undefined;
}

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
  const { dir, log, keepMs, budget, dial } = prepared;
  const clock = await DeviceTime.open({ clock: systemClock, log, store: dir.store, machineBoot });
  const { diskReserveBytes: reserveBytes } = options;
  const room = new DiskRoom({ dir: dir.path, reserveBytes, clock: systemClock, log });
  const broker = openBrokerMemory(dir.path, addressOf(options));
  const { journal, unwatch } = await openWatched(options, prepared, { clock, room, broker });
  const store = new RunStore(dir.store, journal);
  const ports: RuntimePorts = {
    ...{ clock, chance: systemChance, log, sha256, attempts, newAbort, onStray },
    ...{ turn, whenSpent },
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
  if (dial !== undefined) openDeviceKey(dir.path);
  const { gateway = null } = options;
  const own = { pid: process.pid, startedAtMs: clock.nowMs(), gateway, recreated: dir.recreated };
  const facts = factsOf(dir, own);
  tellStart(dir, log);
  const lifeEnd = newLifeEnd(dir, log);
  const meter = await openMeter(prepared.plan, { clock, journal, store, log });
  const linked = { dir, log, facts, clock, journal, runtime, inspector, lifeEnd, meter, broker };
  const { uplink, uplinkMeter, credentials } = dial ? openUplink(options, dial, linked) : {};
  link.uplink = uplink;
  uplink?.onChange(() => runtime.nudgeConditions());
  const counts = async () => runtime.counts();
  const scheduling = { device: dir.device, ports, journal, store: dir.store, runtime, calendarOf };
  const schedules = new Schedules(scheduling);
  const usualPerS = () => broker.entriesPerS();
  const asked = { counts, usualPerS, link: () => uplink?.state() };
  const parts = { facts, clock, journal, inspector, ...asked };
  const snapshot = (send: SendBytes) => sendSnapshot(dir, send);
  const told = { snapshot, log, node: process.versions.node, time: clock, uplinkMeter };
  const rotateKey = keyChanger(dir.path, credentials);
  const acts = { ...told, runtime, schedules, rotateKey, nudge: () => uplink?.nudge() };
  const surface = new LiveSurface({ ...parts, schedulesView: () => schedules.list(), ...acts });
  const onPurged = (state: RunState) => runtime.purged(state);
  // Also one that is run without its gateway for once.
  const hasLedger = uplink !== undefined || journal.positions().some(({ acked }) => acked > 0);
  const fileBytes = () => dirBytes(join(dir.path, 'store'));
  const freeBytes = () => room.freeBytes();
  const looks = { fileBytes, freeBytes, clock, log };
  const compaction = await Compaction.open({ journal, store: dir.store, ...looks });
  const kept = { clock, log, journal, store, keepMs, hasLedger };
  const retention = new Retention({ ...kept, onPurged });
  const relief = new Relief({ journal, retention, budget, clock, log });
  const mine = { dir, room, log, clock, journal, lifeEnd, store, inspector, runtime, schedules };
  return { ...mine, unwatch, retention, relief, compaction, uplink, surface };
}

/** What was found of one broker is no more than a guess about another. */
function addressOf(options: AgentOptions): string {
  return `${options.gateway ?? ''} ${options.brokerProfile ?? 'generic'}`;
}

interface Surroundings {
  readonly clock: DeviceTime;
  readonly room: DiskRoom;
  readonly broker: KnownBroker;
}

/** The journal of an agent, that gives up when its store is damaged or gone. */
async function openWatched(
  options: AgentOptions,
  { dir, log, budget }: Prepared,
  { clock, room, broker }: Surroundings,
): Promise<{ readonly journal: Journal; readonly unwatch: () => void }> {
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
  await room.look();
  const shortage = (): HoldfastError | undefined => room.shortage;
  const { messageBytesMax, inflightBytesMax } = brokerProfile(options.brokerProfile ?? 'generic');
  const told = Math.min(messageBytesMax, inflightBytesMax / 2);
  const known = () => Math.min(broker.messageBytesMax(), broker.linkBytesMax());
  const values = valuesWithin(() => Math.min(told, known()));
  const { point } = options;
  const hooks = { onDamage, point, reopen: dir.reopen, log, budget, shortage, values };
  const journal: Journal = await openJournal(dir, clock, hooks);
  journal.onCommit(() => room.committed());
  const stopNotes = noteHeads(dir, { journal, clock });
  const stopWatching = watchStore(join(dir.path, 'store'), {
    ...{ journal, clock },
    onGone: () => journal.giveUp(new HoldfastError('HF_DATA_DIR_MISSING', { why: dir.path })),
  });
  const unwatch = (): void => {
    stopNotes();
    stopWatching();
  };
  return { journal, unwatch };
}

function tellStart(dir: DataDir, log: Log): void {
  if (dir.salvage !== undefined) log.error('a new epoch began; see status', { ...dir.salvage });
  if (dir.fileSystem !== undefined) log.error('the data directory', { isOn: dir.fileSystem });
  if (dir.tornBytes > 0) log.info('the last write was cut off', { bytes: dir.tornBytes });
  if (dir.migration !== undefined) log.info('the store was migrated', { ...dir.migration });
  if (dir.recreated) log.error('the store was missing; a new epoch begins', { epoch: dir.epoch });
}

function newLifeEnd(dir: DataDir, log: Log): LifeEnd {
  const { salvage, isNewEpoch, epoch } = dir;
  const causes: readonly unknown[] = ['rewound', 'forked'];
  const isSecond = isNewEpoch && salvage?.newEpoch === epoch && causes.includes(salvage.cause);
  return new LifeEnd({ endStore: (end) => dir.end(end), clock: systemClock, log, isSecond });
}
