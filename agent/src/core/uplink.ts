import {
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  eachLane,
  equalBytes,
  errorCatalogue,
  isErrorCode,
  laneIndex,
  unreachable,
  type LinkDown,
  type Refusal,
} from '@holdfast/protocol';
import { capUnknown } from './uplink-cap.ts';
import { endLife, greetAgain, leave, refuse, rest, withLoss } from './uplink-ends.ts';
import { isDone, noteSent, withLane } from './uplink-lanes.ts';
import { takeOversize } from './uplink-oversize.ts';
import { refusedFlight, takeRefused } from './uplink-refused.ts';
import { nextAtMs, observeBatch, paceUnknown } from './uplink-pace.ts';
import type {
  InState,
  Moment,
  UplinkEffect,
  UplinkState,
  UplinkEvent,
  UplinkLimits,
  UplinkMemory,
  UplinkStep,
} from './uplink-state.ts';
import {
  beginStream,
  isGivenUp,
  passTime,
  problemOf,
  sendMore,
  streamWakeAtMs,
  takeAck,
  takeHeads,
} from './uplink-stream.ts';
import { outlivedBy } from './uplink-verdict.ts';

type EventOf<K extends UplinkEvent['kind']> = Extract<UplinkEvent, { readonly kind: K }>;

/** A gateway cannot send a device away for longer than this. */
const RETRY_AFTER_MS_MAX = 60 * 60_000;

/** Before the first attempt, which a nudge begins. */
export const uplinkIdle: UplinkState = {
  kind: 'offline',
  retryAtMs: Number.POSITIVE_INFINITY,
  memory: {
    attempt: 0,
    spreadMs: 0,
    pace: paceUnknown,
    cap: capUnknown,
    sentThrough: [0, 0, 0],
    doubts: [undefined, undefined, undefined],
    resends: 0,
    rejected: 0,
    answers: { sinceMs: 0, count: 0 },
    lastAckAtMs: undefined,
    gate: 'all',
    reason: undefined,
  },
};

/**
 * The device's side of a session. Pure: time, chance and ids arrive in the event; the caller
 * performs the effects in order and feeds their outcomes back.
 *
 * Progress is what is watched, not the connection: of a lane that is not acknowledged one batch
 * goes again, and then the connection is given up. What is not understood changes nothing.
 */
export function step(state: UplinkState, event: UplinkEvent, limits: UplinkLimits): UplinkStep {
  const after = take(state, event, limits);
  const { state: next } = after;
  const { gate } = next.memory;
  // What a closing window finds on its way arrives, and then the connection ends.
  if (next.kind !== 'streaming' || gate === 'all' || !isDone(next, gate)) return after;
  const { state: closed, effects } = rest(next);
  return { state: closed, effects: [...after.effects, ...effects] };
}

function onGate(state: UplinkState, event: EventOf<'gate'>, limits: UplinkLimits): UplinkStep {
  const { gate, nowMs, chance } = event;
  const was = state.memory.gate;
  if (gate === was) return stay(state);
  const next: UplinkState = { ...state, memory: { ...state.memory, gate } };
  if (next.kind === 'streaming') return sendMore(next, [], nowMs);
  if (gate === 'none') return rest(next);
  if (was !== 'none') return stay(next);
  // A fleet whose windows open together does not come together. What is urgent does not wait.
  const delayMs = gate === 'urgent' ? 0 : chance * limits.openSpreadMs;
  return stay({ kind: 'offline', retryAtMs: nowMs + delayMs, memory: next.memory });
}

function take(state: UplinkState, event: UplinkEvent, limits: UplinkLimits): UplinkStep {
  switch (event.kind) {
    case 'tick':
      return onTick(state, event, limits);
    case 'gate':
      return onGate(state, event, limits);
    case 'nudge':
      if (state.memory.gate === 'none') return stay(state);
      return state.kind === 'offline' || state.kind === 'refused'
        ? connect(state.memory, event, limits)
        : stay(state);
    case 'up':
      return state.kind === 'connecting' ? greet(state.memory, event) : stay(state);
    case 'down':
      return onDown(state, event, limits);
    case 'welcome':
      return onWelcome(state, event, limits);
    case 'ack':
      return state.kind === 'streaming' && event.ack.epoch === event.epoch
        ? takeAck(state, event, limits)
        : stay(state);
    case 'commands':
      return state.kind === 'streaming' || state.kind === 'greeting'
        ? { state, effects: [{ kind: 'apply', commands: event.commands }] }
        : stay(state);
    case 'missed':
      return state.kind === 'streaming'
        ? stay(greetAgain(state, undefined, { ...event, limits }))
        : stay(state);
    case 'refusal':
      return onRefusal(state, event, limits);
    case 'rejected':
      return onRejected(state, event, limits);
    case 'committed':
      return state.kind === 'streaming' ? takeHeads(state, event, limits) : stay(state);
    case 'sent':
      return onSent(state, event, limits);
    case 'oversize':
      return isOf(state, event) ? takeOversize(state, event, limits) : stay(state);
    case 'aside':
      return isOf(state, event) ? onAside(state, event) : stay(state);
    case 'unread':
      return onUnread(state, event, limits);
    case 'forked':
      return onForked(state, event, limits);
    default:
      return unreachable(event);
  }
}

/** The next moment at which the state wants a tick; infinite when time changes nothing. */
export function wakeAtMs(state: UplinkState, limits: UplinkLimits): number {
  switch (state.kind) {
    case 'offline':
    case 'refused':
      return state.retryAtMs;
    case 'connecting':
      return state.giveUpAtMs;
    case 'greeting':
      return state.helloAtMs + (state.session === undefined ? 0 : limits.welcomeMs);
    case 'streaming':
      return streamWakeAtMs(state, limits);
    default:
      return unreachable(state);
  }
}

/** Whether an outcome is of the session that is going on. */
function isOf(
  state: UplinkState,
  event: { readonly session: Uint8Array },
): state is InState<'streaming'> {
  return state.kind === 'streaming' && equalBytes(state.session, event.session);
}

function stay(state: UplinkState): UplinkStep {
  return { state, effects: [] };
}

function onTick(state: UplinkState, event: EventOf<'tick'>, limits: UplinkLimits): UplinkStep {
  const { nowMs } = event;
  switch (state.kind) {
    case 'offline':
    case 'refused':
      return nowMs < state.retryAtMs ? stay(state) : connect(state.memory, event, limits);
    case 'connecting':
      if (nowMs < state.giveUpAtMs) return stay(state);
      return leave(state, problemOf('HF_GATEWAY_UNREACHABLE', 'no connection in time'), {
        ...event,
        limits,
      });
    case 'greeting':
      if (nowMs < wakeAtMs(state, limits)) return stay(state);
      if (state.session === undefined) return greet(state.memory, event);
      return leave(state, state.instead ?? silence('no welcome'), { ...event, limits });
    case 'streaming':
      if (isGivenUp(state, nowMs, limits)) {
        return leave(state, silence('nothing is acknowledged'), { ...event, limits });
      }
      return passTime(state, nowMs, limits);
    default:
      return unreachable(state);
  }
}

function silence(why: string): LinkDown {
  return problemOf('HF_GATEWAY_SILENT', why);
}

function connect(memory: UplinkMemory, now: Moment, limits: UplinkLimits): UplinkStep {
  return {
    state: {
      kind: 'connecting',
      giveUpAtMs: now.nowMs + limits.connectMs,
      memory: { ...memory, attempt: memory.attempt + 1 },
    },
    effects: [{ kind: 'connect' }],
  };
}

function greet(memory: UplinkMemory, event: Moment & { readonly id: Uint8Array }): UplinkStep {
  return {
    state: {
      kind: 'greeting',
      memory,
      session: event.id,
      helloAtMs: event.nowMs,
      instead: undefined,
    },
    effects: [{ kind: 'hello', session: event.id }],
  };
}

function onDown(state: UplinkState, event: EventOf<'down'>, limits: UplinkLimits): UplinkStep {
  if (state.kind === 'offline' || state.kind === 'refused') return stay(state);
  const lost = state.kind === 'streaming' ? withLoss(state, event.nowMs, limits) : state;
  const { nowMs, chance } = event;
  const { state: next } = leave(lost, event.reason, { nowMs, chance, limits });
  return { state: next, effects: [] };
}

function onWelcome(
  state: UplinkState,
  event: EventOf<'welcome'>,
  limits: UplinkLimits,
): UplinkStep {
  const { welcome } = event;
  if (state.kind !== 'greeting' || state.session === undefined) return stay(state);
  // Of an earlier session: what it says of the ledger may be out of date.
  if (!equalBytes(welcome.session, state.session)) return stay(state);
  if (welcome.protocol < PROTOCOL_VERSION_MIN || welcome.protocol > PROTOCOL_VERSION) {
    const why = `the gateway chose version ${welcome.protocol}`;
    return refuse(state, problemOf('HF_VERSION_UNSUPPORTED', why), { ...event, limits });
  }
  const outlived = outlivedBy(welcome, event.stand);
  const pin: UplinkEffect = { kind: 'pin', publicKey: welcome.publicKey };
  if (outlived !== undefined) return endLife(state, outlived, { ...event, limits, pin });
  const stream = { nowMs: event.nowMs, welcome, marks: event.stand.marks, limits };
  const begun = beginStream({ ...state, session: state.session }, stream);
  const roundTripMs = event.nowMs - state.helloAtMs;
  const time = { kind: 'time', gatewayMs: welcome.nowMs, roundTripMs } as const;
  return { ...begun, effects: [time, ...begun.effects] };
}

/** What a refusal asks for: greet again, try again with the usual pauses, or wait for a person. */
function answerTo(refusal: Refusal): 'greet' | 'retry' | 'wait' {
  if (refusal.code === 'HF_EPOCH_UNKNOWN') return 'greet';
  // The catalogue says `later`, but only a person can tell the two agents apart.
  if (!isErrorCode(refusal.code) || refusal.code === 'HF_IDENTITY_CONFLICT') return 'wait';
  return errorCatalogue[refusal.code].retry === 'later' ? 'retry' : 'wait';
}

function onRefusal(
  state: UplinkState,
  event: EventOf<'refusal'>,
  limits: UplinkLimits,
): UplinkStep {
  if (state.kind !== 'greeting' && state.kind !== 'streaming') return stay(state);
  const { refusal } = event;
  if (state.kind === 'streaming' && refusal.of.byteLength > 0) {
    const refused = refusedFlight(state, refusal);
    // A report that cannot be read, or the answer came twice.
    if (refusal.code === 'HF_MESSAGE_INVALID' && refused === undefined) return stay(state);
    // What is not even read as a hole, no hole can replace.
    if (refused && !refused.flight.isHole) return takeRefused(state, { ...refused, ...event });
  }
  const retryAfterMs = Math.min(refusal.retryAfterMs, RETRY_AFTER_MS_MAX);
  const reason = isErrorCode(refusal.code)
    ? problemOf(refusal.code, refusal.why || undefined)
    : { code: refusal.code, message: refusal.why };
  const answer = answerTo(refusal);
  switch (answer) {
    case 'greet':
      // While a welcome is awaited this is the answer to a batch of the session before.
      if (state.kind === 'greeting') return stay({ ...state, instead: reason });
      return stay(greetAgain(state, reason, { ...event, limits }));
    case 'retry':
      return leave(state, reason, { ...event, limits, retryAfterMs });
    case 'wait':
      return refuse(state, reason, { ...event, limits, retryAfterMs });
    default:
      return unreachable(answer);
  }
}

function onRejected(
  state: UplinkState,
  event: EventOf<'rejected'>,
  limits: UplinkLimits,
): UplinkStep {
  const memory = { ...state.memory, rejected: state.memory.rejected + 1 };
  const isLinked = state.kind === 'greeting' || state.kind === 'streaming';
  const next = state.kind === 'greeting' ? { ...state, instead: event.reason } : state;
  if (!isLinked || event.unread.byteLength === 0) return stay({ ...next, memory });
  return answerUnread({ ...next, memory }, event, limits);
}

/** The gateway sends what is not read for ever, unless it is told; but noise has no end. */
function answerUnread(
  state: UplinkState,
  { reason, unread: of, nowMs }: EventOf<'rejected'>,
  { answers: { count, windowMs } }: UplinkLimits,
): UplinkStep {
  const { answers } = state.memory;
  const isOver = nowMs - answers.sinceMs >= windowMs;
  const now = isOver ? { sinceMs: nowMs, count: 0 } : answers;
  const memory = { ...state.memory, answers: { ...now, count: now.count + 1 } };
  const effects: UplinkEffect[] = [{ kind: 'refuse', why: reason.message, of }];
  return { state: { ...state, memory }, effects: now.count < count ? effects : [] };
}

function onSent(state: UplinkState, event: EventOf<'sent'>, limits: UplinkLimits): UplinkStep {
  if (!isOf(state, event)) return stay(state);
  const { lane, seqFirst, seqLast, bytes, nowMs } = event;
  const { resends, sentThrough } = state.memory;
  const before = sentThrough[laneIndex(lane)];
  const memory = {
    ...state.memory,
    resends: resends + (seqFirst <= before ? 1 : 0),
    sentThrough: eachLane((each) =>
      each === lane ? Math.max(before, seqLast) : sentThrough[laneIndex(each)],
    ),
    pace: observeBatch(state.memory.pace, { ...event, count: seqLast - seqFirst + 1 }),
  };
  const told = { isAgain: seqFirst <= before, isHole: event.entryBytes === 0, tail: event.tail };
  const flight = { seqFirst, seqLast, bytes, sentAtMs: nowMs, ...told };
  const spaced = { ...state, notBeforeMs: nextAtMs(state.notBeforeMs, event, limits) };
  return sendMore({ ...state, ...noteSent(spaced, { lane, flight }), memory }, [], nowMs);
}

function onAside(state: InState<'streaming'>, { lane, nowMs }: EventOf<'aside'>): UplinkStep {
  const flows = withLane(state.lanes, lane, { blocked: undefined });
  const sending = state.sending === lane ? undefined : state.sending;
  return sendMore({ ...state, lanes: flows, sending }, [], nowMs);
}

/** A lane that cannot be read does not hold up the others. */
function onUnread(state: UplinkState, event: EventOf<'unread'>, limits: UplinkLimits): UplinkStep {
  if (!isOf(state, event)) return stay(state);
  const untilMs = event.isFinal ? Number.POSITIVE_INFINITY : event.nowMs + limits.retryMsMax;
  const flows = withLane(state.lanes, event.lane, {
    blocked: { reason: event.reason, untilMs },
    giveUpAtMs: undefined,
  });
  return sendMore({ ...state, sending: undefined, lanes: flows }, [], event.nowMs);
}

/** Another history of the lane is in the ledger: nothing of this one is acknowledged or sent. */
function onForked(state: UplinkState, event: EventOf<'forked'>, limits: UplinkLimits): UplinkStep {
  if (!isOf(state, event)) return stay(state);
  return endLife(state, event.outlived, { ...event, limits });
}
