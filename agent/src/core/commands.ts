import {
  HoldfastError,
  checkName,
  codeOf,
  decodeValue,
  messageOf,
  unreachable,
  type Command,
  type EntryOf,
} from '@holdfast/protocol';
import type { CancelRun } from './cancel-run.ts';
import type { DeviceTime } from './device-time.ts';
import type { Engine } from './engine.ts';
import { completeStep, forkRun, pauseRun, resumeRun, retryRun, skipStep } from './repairs.ts';
import { Rider } from './rider.ts';
import { layout } from './run-store.ts';
import type { SignalRun } from './signals.ts';
import type { StartRun } from './starts.ts';
import { TerminalError } from './workflow.ts';

/** What applying a command asks of the runtime. */
export interface CommandHost {
  start(request: StartRun): Promise<unknown>;
  signal(signal: SignalRun): Promise<void>;
  cancel(request: CancelRun): Promise<void>;
  /** The gateway has set something, which is durable. */
  configured(name: string): void;
  /** Whether the device can take another key. */
  takesKeyOrders(): boolean;
  /** It is to take another key, which is durable. */
  keyOrdered(): void;
}

/** Row with the number of the command by which the device is to take another key. */
export const KEY_ORDER = 'key order';

/**
 * Whether it can be known if a command is late. One that cannot be judged is left: it comes again,
 * and the gateway has told the time by then.
 */
export function canJudge(time: DeviceTime, { expiresAtMs }: Command): boolean {
  return expiresAtMs === 0 || time.source === 'gateway';
}

/** A commit that has its place in the journal; `durable` resolves once it is on stable storage. */
export interface Applied {
  readonly durable: Promise<unknown>;
}

/**
 * Applies a command: its effect, its receipt and its number are one commit. The receipt goes up
 * the urgent lane. Rejects for a command that is left, since the device can do nothing now.
 */
export async function applyCommand(
  engine: Engine,
  host: CommandHost,
  command: Command,
): Promise<Applied> {
  if (command.expiresAtMs > 0 && engine.ports.clock.nowMs() > command.expiresAtMs) {
    return refuse(engine, command, { outcome: 'expired', reason: 'it came after its time' });
  }
  if (command.kind === 'call.completed' || command.kind === 'call.failed') {
    return answerCall(engine, command);
  }
  const rider = riderOf(command, { outcome: 'applied', reason: '' });
  try {
    await perform(engine, host, { command, rider });
    if (!rider.isDurable) await rider.append(engine.journal, []);
  } catch (error) {
    // What came behind the commit is no failure of the command.
    if (rider.isDurable) return { durable: Promise.resolve() };
    if (isForLater(error)) throw error;
    const reason = reasonOf(error);
    return refuse(engine, command, { outcome: 'rejected', reason });
  }
  return { durable: Promise.resolve() };
}

type Receipt = Pick<EntryOf<'command.receipt'>, 'outcome' | 'reason'>;

function riderOf({ number, key }: Command, { outcome, reason }: Receipt): Rider {
  const body = { kind: 'command.receipt', command: number, outcome, reason, key } as const;
  return new Rider({ drafts: [{ lane: 'urgent', body }], ops: [layout.meta('command', number)] });
}

function refuse({ journal }: Engine, command: Command, receipt: Receipt): Applied {
  return { durable: riderOf(command, receipt).append(journal, []) };
}

/** Failures of the moment: the command stays, and comes again. */
function isForLater(error: unknown): boolean {
  return /^HF_(?:JOURNAL_|STORE_|AGENT_CLOSED)/.test(codeOf(error) ?? '');
}

const REASON_LENGTH_MAX = 1_024;

function reasonOf(error: unknown): string {
  return messageOf(error).slice(0, REASON_LENGTH_MAX);
}

/** Brings the result of a call to the run that waits for it; the entry of it is the receipt. */
async function answerCall(engine: Engine, command: Command): Promise<Applied> {
  const { ports, runJournal, tracing } = engine;
  const rejected = (reason: string) => refuse(engine, command, { outcome: 'rejected', reason });
  const run = await openRunOf(engine, command.run);
  if (run === undefined) return rejected('its run has ended');
  if (!run.progress.awaitsCall(command.op, command.key)) {
    return rejected('its call is not waited for any more');
  }
  const { op, number, payload } = command;
  const call = run.progress.call(op) ?? { name: '', atMs: ports.clock.nowMs() };
  const common = { op, name: call.name, command: number } as const;
  const body =
    command.kind === 'call.completed'
      ? ({ kind: 'call.completed', ...common, result: payload } as const)
      : ({ kind: 'call.failed', ...common, error: payload } as const);
  const timer = { op, due: undefined };
  const ops = [layout.meta('command', number)];
  const appended = runJournal.append(run, body, { lane: 'urgent', timer, ops });
  const failure = command.kind === 'call.failed' ? { error: errorOf(payload) } : {};
  return { durable: appended.then(() => tracing.callEnded(run, op, { ...call, ...failure })) };
}

/** For the trace. One that is not read here stops the run, which then waits for a person. */
function errorOf(payload: Uint8Array): unknown {
  try {
    return decodeValue(payload);
  } catch (error) {
    return error;
  }
}

async function openRunOf({ store, states, residents }: Engine, id: string) {
  const number = await store.numberOf(id);
  if (number === undefined || !states.isOpen(number)) return undefined;
  return residents.load(number).catch(() => undefined);
}

interface Performance {
  readonly command: Command;
  readonly rider: Rider;
}

/** Has its effect, with the receipt. Where there is nothing to do, the receipt does not ride. */
function perform(engine: Engine, host: CommandHost, deed: Performance): Promise<unknown> {
  const { command, rider } = deed;
  const { kind, run, name, payload, key } = command;
  const text = () => String(decodeValue(payload)).slice(0, REASON_LENGTH_MAX);
  switch (kind) {
    case 'run.start':
      return host.start({ workflow: name, id: run, input: payload, rider });
    case 'run.signal':
      return host.signal({ run, name, id: key, payload, rider });
    case 'run.cancel':
      return host.cancel({ run, reason: text(), rider });
    case 'run.pause':
      return pauseRun(engine, run, text(), rider);
    case 'run.resume':
      return resumeRun(engine, run, rider);
    case 'run.retry':
      return retryRun(engine, run, text(), rider);
    case 'run.fork':
      return forkRun(engine, { run, step: name, id: text() || key, rider });
    case 'step.skip':
      return skipStep(engine, { run, step: name, result: payload, rider });
    case 'step.complete':
      return completeStep(engine, name, { result: payload }, rider);
    case 'step.fail':
      return completeStep(engine, name, { error: new TerminalError(text()) }, rider);
    case 'config.set':
      return configure(engine, host, deed);
    case 'key.rotate':
      return orderKey(engine, host, deed);
    case 'void':
      throw new HoldfastError('HF_MESSAGE_INVALID', { why: text() });
    case 'unknown':
      throw new HoldfastError('HF_VERSION_UNSUPPORTED', { why: 'the agent is older than it' });
    case 'call.completed':
    case 'call.failed':
      throw new HoldfastError('HF_INTERNAL', { why: `${kind} is applied otherwise` });
    default:
      return unreachable(kind);
  }
}

/** That it is to be done is durable with the receipt; it takes the gateway's API to be done. */
async function orderKey(
  { journal }: Engine,
  host: CommandHost,
  { command, rider }: Performance,
): Promise<void> {
  if (!host.takesKeyOrders()) {
    throw new HoldfastError('HF_RENEWAL_REFUSED', { why: 'this device was never enrolled' });
  }
  await rider.append(journal, [], () => [layout.meta(KEY_ORDER, command.number)]);
  host.keyOrdered();
}

/** Of the agent itself: what it does not know there is not set. */
const OWN_PREFIX = 'holdfast.';

async function configure(
  { journal }: Engine,
  host: CommandHost,
  { command, rider }: Performance,
): Promise<void> {
  const name = checkName('setting', command.name);
  if (name.startsWith(OWN_PREFIX)) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: `there is no setting ${name}` });
  }
  // That it can be read back is known before it is kept.
  const value = decodeValue(command.payload);
  const kept = value === null || value === undefined ? undefined : command.payload;
  await rider.append(journal, [], () => [layout.config(name, kept)]);
  host.configured(name);
}
