import { lanes, type LinkDown } from '@holdfast/protocol';
import { outlivedCodes } from './life-end.ts';
import { observeLoss } from './uplink-cap.ts';
import { laneOf } from './uplink-lanes.ts';
import { paceUnknown, retryDelayMs } from './uplink-pace.ts';
import type {
  InState,
  Moment,
  UplinkEffect,
  UplinkLimits,
  UplinkMemory,
  UplinkState,
  UplinkStep,
} from './uplink-state.ts';
import { isStable, problemOf } from './uplink-stream.ts';
import type { Outlived } from './uplink-verdict.ts';

/** From which the counting goes on behind a session that was of use. */
const OF_USE_ATTEMPTS = 1;
/** Of use is what something was acknowledged in, and what stood for as long. */
const OF_USE_MS = 2_000;
/** With so many attempts behind it, a session that is cut off sooner is likely to be contested. */
const CONTESTED_ATTEMPTS = 3;

/** Ends a connection that may not be used now; the gate opens the next one. */
export function rest(state: UplinkState): UplinkStep {
  const memory = { ...state.memory, gate: 'none', reason: undefined, attempt: 0 } as const;
  const offline = { kind: 'offline', retryAtMs: Number.POSITIVE_INFINITY, memory } as const;
  return { state: offline, effects: [{ kind: 'close' }] };
}

/** What was on its way may have been too large. */
export function withLoss(state: InState<'streaming'>, nowMs: number, limits: UplinkLimits) {
  const flights = lanes.flatMap((lane) =>
    laneOf(state, lane).flights.map((flight) => ({ ...flight, lane })),
  );
  const wasStable = nowMs - state.sinceMs >= limits.stableMs;
  const { roundTripMs } = state.memory.pace;
  const cap = observeLoss(state.memory.cap, { nowMs, flights, roundTripMs, wasStable });
  return { ...state, memory: { ...state.memory, cap } };
}

/** Ends the connection; the next attempt comes after a pause. */
export function leave(
  state: Exclude<UplinkState, { readonly kind: 'offline' | 'refused' }>,
  reason: LinkDown,
  now: Moment & { readonly limits: UplinkLimits; readonly retryAfterMs?: number },
): UplinkStep {
  const { limits, nowMs } = now;
  const memory = forget(state, reason, now);
  const { retryMsMin, retryMsMax } = limits;
  const delayMs = retryDelayMs(Math.max(0, memory.attempt - 1), now.chance, {
    ...{ retryMsMin, retryMsMax },
    // Only those who were connected come back all at once.
    spreadMs: state.kind === 'streaming' ? memory.spreadMs : 0,
  });
  const isClosed = memory.gate === 'none';
  const pauseMs = isClosed ? Number.POSITIVE_INFINITY : Math.max(delayMs, now.retryAfterMs ?? 0);
  const retryAtMs = nowMs + pauseMs;
  return { state: { kind: 'offline', retryAtMs, memory }, effects: [{ kind: 'close' }] };
}

function forget(
  state: UplinkState,
  reason: LinkDown | undefined,
  now: { readonly nowMs: number; readonly limits: UplinkLimits },
): UplinkMemory {
  const wasStable = state.kind === 'streaming' && isStable(state, now.nowMs, now.limits);
  const { memory } = state;
  const sinceMs = state.kind === 'streaming' ? state.sinceMs : Number.NEGATIVE_INFINITY;
  const isBrief = now.nowMs - sinceMs < OF_USE_MS;
  // A link that is up for seconds at a time is used each time, or nearly.
  const wasOfUse =
    state.kind === 'streaming' && !isBrief && (memory.lastAckAtMs ?? 0) > state.sinceMs;
  const attempt = wasOfUse ? Math.min(memory.attempt, OF_USE_ATTEMPTS) : memory.attempt;
  const isContested = isBrief && attempt >= CONTESTED_ATTEMPTS;
  return {
    ...memory,
    reason: isContested ? contested(reason) : reason,
    attempt: wasStable ? 0 : attempt,
    // What was measured is no longer true of a link that fell silent.
    pace: reason?.code === 'HF_GATEWAY_SILENT' ? paceUnknown : memory.pace,
  };
}

/**
 * A broker lets one client have a name, and ends the connection of the one before. That of MQTT
 * 3.1.1 does not say so: where sessions end one after another as soon as they stand, it is likely.
 */
function contested(reason: LinkDown | undefined): LinkDown | undefined {
  if (reason?.code !== 'HF_LINK_LOST') return reason;
  const why = 'each time as soon as it stands; does another client use the name of this device?';
  return { ...reason, message: `${reason.message}, ${why}` };
}

/**
 * Nothing of this epoch is sent any more. The uplink tries again, seldom: for when no new epoch
 * can begin here, and the other side is mended.
 */
export function endLife(
  state: UplinkState,
  outlived: Outlived,
  now: Moment & { readonly limits: UplinkLimits; readonly pin?: UplinkEffect },
): UplinkStep {
  const reason = problemOf(outlivedCodes[outlived.cause], outlived.why);
  const refused = refuse(state, reason, now);
  const before = now.pin === undefined ? [] : [now.pin];
  return { ...refused, effects: [...before, ...refused.effects, { kind: 'outlived', outlived }] };
}

/** The link is good but the two sides do not know each other's state: they greet, after a pause. */
export function greetAgain(
  state: InState<'streaming'>,
  reason: LinkDown | undefined,
  now: Moment & { readonly limits: UplinkLimits },
): UplinkState {
  const memory = forget(state, reason, now);
  const delayMs = retryDelayMs(memory.attempt, now.chance, now.limits);
  return {
    kind: 'greeting',
    session: undefined,
    helloAtMs: now.nowMs + delayMs,
    instead: undefined,
    memory: { ...memory, attempt: memory.attempt + 1 },
  };
}

/** Only a person can help; tries again, seldom, since that person may be at the other end. */
export function refuse(
  state: UplinkState,
  reason: LinkDown,
  now: Moment & { readonly limits: UplinkLimits; readonly retryAfterMs?: number },
): UplinkStep {
  const pauseMs = now.limits.stuckRetryMs * (0.5 + now.chance);
  return {
    state: {
      kind: 'refused',
      retryAtMs: now.nowMs + Math.max(pauseMs, now.retryAfterMs ?? 0),
      memory: { ...state.memory, reason },
    },
    effects: [{ kind: 'close' }],
  };
}
