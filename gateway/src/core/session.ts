import {
  BATCH_ENTRIES_MAX,
  TRIAL_EPOCH,
  eachLane,
  equalBytes,
  hex,
  laneIndex,
  lanes,
  negotiate,
  unreachable,
  type Batch,
  type Hello,
  type Hole,
  type Lane,
  type Message,
  type PerLane,
  type Report,
} from '@holdfast/protocol';
import { sampleOf } from './device-clock.ts';
import { admit } from './incarnations.ts';
import type { LanePosition } from './ledger.ts';
import { isBehind, isDraining } from './live.ts';
import { handedOver, receive, restart } from './outbox.ts';
import { slowMsAfter } from './overload/ingest-pace.ts';
import { onCommandsRead, onRefused, onTick, sendCommands } from './session-commands.ts';
import type {
  BatchName,
  Greeted,
  SessionEffect,
  SessionEvent,
  SessionStep,
} from './session-events.ts';
import { invalid, logged, refuse, send, stay, type At } from './session-answers.ts';
import {
  isBeyond,
  isOnline,
  refreshed,
  regionOf,
  reportedAt,
  type Session,
  watermarksOf,
} from './session-state.ts';
import { verdictOf } from './verdict.ts';
import { problemOf, trialWelcomeOf, welcomeOf } from './welcome.ts';

/** Devices come again behind it, each after a pause of its own. */
const UNAVAILABLE_MS = 2_000;

/**
 * The gateway's side of the protocol for one device. Pure: times arrive in the events, and the
 * caller performs the effects and brings their outcomes back as events.
 *
 *   hello ─► greet ─► greeted ─► welcome, commands
 *   batch ─► ingest ─► ingested ─► ack
 *   issued, receipts, silence ─► read ─► commands read ─► commands
 */
export function step(state: Session, event: SessionEvent, at: At): SessionStep {
  switch (event.kind) {
    case 'message':
      return onMessage(state, event, at);
    case 'unreadable':
      return refuse(state, invalid(event), at);
    case 'undecodable':
      return refuse(ingestEnded(state), invalid(event), at);
    case 'dropped':
      return stay(ingestEnded(state));
    case 'unavailable': {
      const { why, isBatch } = event;
      const problem = { code: 'HF_LEDGER_UNAVAILABLE', why, retryAfterMs: UNAVAILABLE_MS } as const;
      return refuse(isBatch ? ingestEnded(state) : state, problem, at);
    }
    case 'greeted':
      return onGreeted(state, event, at);
    case 'ingested':
      return onIngested(state, event, at);
    case 'ahead': {
      const { batch, position, kept } = event;
      return send(state, { ...ackOf(batch, position, position.watermark + 1), kept });
    }
    case 'commandsRead':
      return onCommandsRead(state, event, at);
    case 'looked':
      return stay(refreshed(state, event.record, at.nowMs));
    case 'issued':
      return isOnline(state, at) ? sendCommands(state) : stay(state);
    case 'rekeyed': {
      const { pinned } = state;
      if (pinned === undefined) return stay(state);
      return stay({ ...state, pinned: { ...pinned, ...event.keys } });
    }
    case 'handedOver':
      return stay({ ...state, outbox: handedOver(state.outbox, event) });
    case 'tick':
      return onTick(state, at);
    default:
      return unreachable(event);
  }
}

function onMessage(
  state: Session,
  event: Extract<SessionEvent, { readonly kind: 'message' }>,
  at: At,
): SessionStep {
  const { message, genuine, keyName, tail } = event;
  if (event.isRevoked && message.kind === 'batch') return onLate(state, message, at);
  if (!genuine) return onForged(state, { message, keyName }, at);
  const isOfEntries = message.kind === 'batch' || message.kind === 'hole';
  if (isOfEntries && isElsewhere(state, at)) return onElsewhere(state, at);
  switch (message.kind) {
    case 'hello':
      return onHello(state, message, at);
    case 'batch':
      return onBatch(state, { ...event, message }, at);
    case 'hole':
      return onHole(state, { ...event, message }, at);
    case 'report':
      return onReport(state, message, at);
    case 'refusal':
      return onRefused(heard(state, at), message, at);
    default: {
      const why = `a device does not send ${message.kind}`;
      return refuse(state, invalid({ why, tail }), at);
    }
  }
}

function isElsewhere({ region }: Pick<Session, 'region'>, { limits }: At): boolean {
  return limits.region !== '' && region !== '' && region !== limits.region;
}

/** What a device has to say is for the gateway of its region. */
function onElsewhere(state: Session, at: At): SessionStep {
  const { region, conflictMs: retryAfterMs } = at.limits;
  const why = `${state.device} is of region ${state.region}, this gateway of ${region}`;
  return refuse(state, { code: 'HF_DEVICE_REGION', why, retryAfterMs }, at);
}

function onReport(state: Session, report: Report, at: At): SessionStep {
  if (state.pinned?.epoch !== report.epoch) return stay(state);
  // The ledger was asked just now. A device that has nothing to send would never find out.
  if (isBeyond(state, report)) return ledgerBehind(state, at);
  const sample = sampleOf(state.greeting, report, at.nowMs);
  const greeting = sample === undefined ? state.greeting : undefined;
  const reported = { ...reportedAt(state, report, at.nowMs), greeting };
  const behindSinceMs = isBehind(reported) ? state.behindSinceMs || at.nowMs : 0;
  const woken = wake(state, heard({ ...reported, behindSinceMs }, at), at);
  if (sample === undefined) return woken;
  const clockAheadMs = report.atMs - sample.atMs;
  const note = { kind: 'noteClock', epoch: report.epoch, sample } as const;
  return { state: { ...woken.state, clockAheadMs }, effects: [...woken.effects, note] };
}

function heard(state: Session, at: At): Session {
  return { ...state, lastSeenAtMs: at.nowMs };
}

/** A device is heard again without a hello: this gateway was restarted, or the link stalled. */
function wake(before: Session, state: Session, at: At): SessionStep {
  if (isOnline(before, at)) return stay(state);
  const outbox = restart(state.outbox, state.outbox.applied);
  return sendCommands({ ...state, outbox });
}

function onForged(
  state: Session,
  { message, keyName }: { readonly message: Message; readonly keyName: string },
  at: At,
): SessionStep {
  if (state.pinned === undefined && message.kind !== 'hello') return unknownEpoch(state, at);
  if (state.pinned?.publicKey.byteLength === 0) return onRevoked(state, at);
  const isOtherKey =
    message.kind === 'hello' &&
    state.pinned !== undefined &&
    !equalBytes(message.publicKey, state.pinned.publicKey);
  const why = isOtherKey
    ? `device ${state.device} is known by another key than ${keyName}`
    : `a ${message.kind} of ${state.device} has a wrong signature`;
  const retryAfterMs = isOtherKey ? at.limits.conflictMs : 0;
  return refuse(state, { code: 'HF_SIGNATURE_INVALID', why, retryAfterMs }, at);
}

function onRevoked(state: Session, at: At): SessionStep {
  const { conflictMs: retryAfterMs } = at.limits;
  const why = `${state.device} was revoked`;
  return refuse(state, { code: 'HF_DEVICE_REVOKED', why, retryAfterMs }, at);
}

/** Entries under a key that counted once: they may be looked at, and nothing follows from them. */
function onLate(state: Session, batch: Batch, at: At): SessionStep {
  const why = `the key of ${state.device} counts no more; what it sent is kept in quarantine`;
  const isRevoked = state.pinned?.publicKey.byteLength === 0;
  const code = isRevoked ? 'HF_DEVICE_REVOKED' : 'HF_SIGNATURE_INVALID';
  const refused = refuse(state, { code, why }, at);
  return { ...refused, effects: [...refused.effects, { kind: 'quarantine', batch }] };
}

function ingestEnded(state: Session): Session {
  return { ...state, ingesting: state.ingesting - 1 };
}

function unknownEpoch(state: Session, at: At): SessionStep {
  const why = `the ledger knows no such epoch of ${state.device}`;
  return refuse(state, { code: 'HF_EPOCH_UNKNOWN', why }, at);
}

/** The ledger was set back: only a hello tells both sides what is to be sent again. */
function ledgerBehind(state: Session, at: At): SessionStep {
  const why = `the ledger has less of ${state.device} than was acknowledged to it`;
  return refuse(state, { code: 'HF_EPOCH_UNKNOWN', why }, at);
}

function onHello(before: Session, hello: Hello, at: At): SessionStep {
  const { nowMs, limits } = at;
  const state = heard(before, at);
  if (hello.device !== state.device) {
    const why = `a hello of ${hello.device} came as one of ${state.device}`;
    return refuse(state, { code: 'HF_MESSAGE_INVALID', why }, at);
  }
  if (negotiate(hello) === undefined) {
    const why = `the device speaks ${hello.protocolMin} to ${hello.protocolMax}`;
    const retryAfterMs = limits.conflictMs;
    return refuse(state, { code: 'HF_VERSION_UNSUPPORTED', why, retryAfterMs }, at);
  }
  if (state.pinned === undefined && !limits.takesStrangers) {
    const [why, retryAfterMs] = [`${hello.device} was not enrolled`, limits.conflictMs];
    return refuse(state, { code: 'HF_DEVICE_UNENROLLED', why, retryAfterMs }, at);
  }
  // It is tried whether messages come and go: nothing is kept of that, and nobody is replaced.
  if (hello.epoch === TRIAL_EPOCH) {
    return { state: before, effects: [{ kind: 'send', message: trialWelcomeOf(hello, at) }] };
  }
  const ids = { incarnation: hex(hello.incarnation), session: hex(hello.session) };
  const { boot, monoMs } = hello;
  const agent = { ...ids, machine: hex(hello.machine), boot, monoMs };
  const { conflictMs } = limits;
  const isLive = isOnline(before, at);
  const admission = admit(before.incarnations, agent, { nowMs, conflictMs, isLive });
  // Old bytes, late or repeated by somebody: it changes nothing, and is no reason to answer.
  if (admission.kind === 'stale') {
    return { state: before, effects: [{ kind: 'count', code: 'stale' }] };
  }
  // One that comes again was sent before all that has been said since the first one was heard.
  const isRepeated = before.incarnations.sessions.at(-1) === ids.session;
  const greeting = isRepeated
    ? before.greeting
    : { boot, monoMs, heardAtMs: nowMs, welcomedAtMs: undefined };
  const next = { ...state, greeting, incarnations: admission.incarnations };
  if (admission.kind === 'conflict') {
    const { retryAfterMs, why } = admission;
    // The one that is let in is heard by what it says itself.
    const told = { ...next, lastSeenAtMs: before.lastSeenAtMs };
    return refuse(told, { code: 'HF_IDENTITY_CONFLICT', why, retryAfterMs }, at);
  }
  return { state: next, effects: [{ kind: 'greet', hello }] };
}

function onGreeted(state: Session, event: Greeted, at: At): SessionStep {
  const { hello, record } = event;
  const { epoch, publicKey, awaitedKey, revokedKey } = record;
  const pinned = { epoch, publicKey, awaitedKey, revokedKey };
  if (!equalBytes(record.publicKey, hello.publicKey)) {
    const message = { kind: 'hello', ...hello } as const;
    return onForged({ ...state, pinned }, { message, keyName: event.keyName }, at);
  }
  const region = regionOf(record);
  if (isElsewhere({ region }, at)) return onElsewhere({ ...state, pinned, region }, at);
  const verdicts = eachLane((lane) => verdictOf(lane, hello, event));
  const greeted: Session = {
    ...state,
    pinned,
    region,
    watermarks: watermarksOf(record),
    greetedAtMs: at.nowMs,
    greeting: state.greeting && {
      ...state.greeting,
      welcomedAtMs: state.greeting.welcomedAtMs ?? at.nowMs,
    },
    brokenLanes: lanes.filter((lane) => verdicts[laneIndex(lane)] !== 'ok'),
    outbox: restart(state.outbox, hello.lastCommand),
  };
  const message = welcomeOf(event, verdicts, at);
  const problem = problemOf(event, verdicts);
  if (problem === undefined) {
    const then = sendCommands(greeted);
    return { ...then, effects: [{ kind: 'send', message }, ...then.effects] };
  }
  // It begins a new epoch, and greets again: until then nothing is to be applied.
  return {
    state: { ...greeted, refusal: problem },
    effects: [{ kind: 'send', message }, ...logged(problem)],
  };
}

interface Came<T> {
  readonly message: T;
  readonly tail: Uint8Array;
}

function onBatch(before: Session, { message: batch, tail }: Came<Batch>, at: At): SessionStep {
  const isWrong = batch.seqFirst < 1 || batch.count < 1 || batch.count > BATCH_ENTRIES_MAX;
  const why = `a batch begins at ${batch.seqFirst} and has ${batch.count} entries`;
  const effect = { kind: 'ingest', batch, tail } as const;
  return take(before, { epoch: batch.epoch, wrong: isWrong ? why : '', effect, tail }, at);
}

function onHole(before: Session, { message: hole, tail }: Came<Hole>, at: At): SessionStep {
  const { epoch, seqFirst, seqLast } = hole;
  const isWrong = seqFirst < 1 || seqLast < seqFirst;
  const why = `a hole begins at ${seqFirst} and ends at ${seqLast}`;
  const effect = { kind: 'declare', hole } as const;
  return take(before, { epoch, wrong: isWrong ? why : '', effect, tail }, at);
}

interface Taking {
  readonly epoch: number;
  /** Why it cannot be; empty: it can. */
  readonly wrong: string;
  readonly effect: SessionEffect;
  readonly tail: Uint8Array;
}

/** Has the ledger take what a lane goes on with. */
function take(before: Session, { epoch, wrong, effect, tail }: Taking, at: At): SessionStep {
  const state = heard(before, at);
  if (state.pinned?.epoch !== epoch) return unknownEpoch(state, at);
  if (wrong !== '') return refuse(state, invalid({ why: wrong, tail }), at);
  const woken = wake(before, state, at);
  // Beyond what a device may have in flight: it is sent again when its acks have come.
  if (state.ingesting >= at.limits.ingestingMax) return woken;
  return {
    state: { ...woken.state, ingesting: state.ingesting + 1 },
    effects: [...woken.effects, effect],
  };
}

function onIngested(
  before: Session,
  event: Extract<SessionEvent, { readonly kind: 'ingested' }>,
  at: At,
): SessionStep {
  const { batch, outcome, waitedMs } = event;
  const state = ingestEnded(before);
  switch (outcome.kind) {
    case 'unknown':
      return unknownEpoch(state, at);
    case 'forked': {
      const brokenLanes = [...new Set([...state.brokenLanes, batch.lane])];
      const why = `lane ${batch.lane} of ${state.device} differs at or before ${batch.seqFirst}`;
      const { conflictMs: retryAfterMs } = at.limits;
      return refuse({ ...state, brokenLanes }, { code: 'HF_CHAIN_BROKEN', why, retryAfterMs }, at);
    }
    case 'gap':
      return send(state, ackOf(batch, outcome.position, outcome.position.watermark + 1));
    case 'committed': {
      const acked = {
        ...state,
        watermarks: withWatermark(state, batch.lane, outcome.position.watermark),
        lastAckAtMs: at.nowMs,
        outbox: receive(state.outbox, outcome.lastReceipt, at.nowMs),
      };
      const slowMs = isDraining(acked, batch.lane) ? slowMsAfter(waitedMs) : 0;
      const ack = { ...ackOf(batch, outcome.position, 0), slowMs };
      const hasReceipts = acked.outbox.applied > state.outbox.applied;
      if (!hasReceipts) return send(acked, ack);
      const then = sendCommands(acked);
      return { ...then, effects: [{ kind: 'send', message: ack }, ...then.effects] };
    }
    default:
      return unreachable(outcome);
  }
}

function withWatermark(state: Session, lane: Lane, watermark: number): PerLane<number> {
  return eachLane((each) => (each === lane ? watermark : state.watermarks[laneIndex(each)]));
}

function ackOf(
  batch: BatchName,
  position: LanePosition,
  missingFrom: number,
): Extract<Message, { readonly kind: 'ack' }> {
  const { epoch, lane } = batch;
  return { kind: 'ack', epoch, lane, ...position, missingFrom, slowMs: 0, kept: [] };
}
