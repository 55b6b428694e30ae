import {
  HoldfastError,
  eachLane,
  laneIndex,
  lanes,
  type Ack,
  type ErrorCode,
  type Lane,
  type LinkDown,
  type Welcome,
} from '@holdfast/protocol';
import {
  bytesInFlight,
  bytesOf,
  deadlines,
  isDrained,
  laneOf,
  nextBatch,
  probeSilent,
  withLane,
} from './uplink-lanes.ts';
import { behind, takeGap } from './uplink-again.ts';
import { forgetOld, isSettled, observeFit } from './uplink-cap.ts';
import { observeAck } from './uplink-pace.ts';
import type {
  Doubt,
  InState,
  LaneFlow,
  LaneMarks,
  UplinkEffect,
  UplinkLimits,
  UplinkMemory,
  UplinkStep,
} from './uplink-state.ts';

type Streaming = InState<'streaming'>;

/** A pause that a gateway asks for ends after this long, whatever it said. */
const SLOW_MS_MAX = 15 * 60_000;

/** What a failure of this code tells a person. */
export function problemOf(code: ErrorCode, why?: string): LinkDown {
  return { code, message: new HoldfastError(code, { why }).message };
}

/** A session begins where the ledger stands; no lane of it is above its head. */
export function beginStream(
  greeting: InState<'greeting'> & { readonly session: Uint8Array },
  event: {
    readonly nowMs: number;
    readonly welcome: Welcome;
    readonly marks: LaneMarks;
    readonly limits: UplinkLimits;
  },
): UplinkStep {
  const { nowMs, welcome, marks, limits } = event;
  const reportEveryMs = Math.max(limits.reportEveryMsMin, welcome.reportEveryMs);
  const roundTripMs = Math.max(1, nowMs - greeting.helloAtMs);
  const flows = eachLane((lane) => beginLane(lane, { ...event, marks }));
  const messageBytesMax = Math.min(welcome.batchBytesMax, event.limits.messageBytesMax);
  const state: Streaming = {
    kind: 'streaming',
    memory: {
      ...greeting.memory,
      pace: { ...greeting.memory.pace, roundTripMs },
      cap: forgetOld(greeting.memory.cap, nowMs),
      spreadMs: welcome.reconnectSpreadMs,
      reason: undefined,
    },
    session: greeting.session,
    sinceMs: nowMs,
    lanes: flows,
    // Two of them fit: one is sent while the other is awaited.
    batchBytesMax: Math.min(messageBytesMax, Math.floor(event.limits.inflightBytesMax / 2)),
    messageBytesMax,
    inflightBytesMax: event.limits.inflightBytesMax,
    inflightMax: Math.max(1, Math.min(welcome.inflightMax, event.limits.inflightMax)),
    reportEveryMs,
    reportedAtMs: nowMs,
    reportAtMs: nowMs + reportEveryMs,
    notBeforeMs: 0,
    sending: undefined,
    turn: 0,
    isProven: false,
  };
  const { session } = state;
  const { cap } = state.memory;
  const acknowledged = lanes
    .filter((lane) => laneOf(state, lane).acked > marks[laneIndex(lane)].acked)
    .map((lane) => {
      const { watermark, hash } = welcome.lanes[laneIndex(lane)];
      return { kind: 'acknowledge', session, lane, watermark, hash } as const;
    });
  return sendMore(
    { ...state, isProven: isDrained(state) },
    [
      { kind: 'pin', publicKey: welcome.publicKey },
      ...(isSettled(cap) ? [{ kind: 'remember', cap } as const] : []),
      ...acknowledged,
      { kind: 'report' },
    ],
    nowMs,
  );
}

function beginLane(
  lane: Lane,
  event: { readonly nowMs: number; readonly welcome: Welcome; readonly marks: LaneMarks },
): LaneFlow {
  const { head } = event.marks[laneIndex(lane)];
  // A watermark below what was acknowledged is believed too: the ledger was restored from a
  // backup, and gets again what this journal still has.
  const acked = event.welcome.lanes[laneIndex(lane)].watermark;
  return {
    head,
    sent: acked,
    acked,
    flights: [],
    again: [],
    cut: [],
    sends: 0,
    recoverThrough: 0,
    progressAtMs: event.nowMs,
    giveUpAtMs: undefined,
    probeAgainAtMs: Number.POSITIVE_INFINITY,
    turn: 0,
    pausedUntilMs: 0,
    blocked: undefined,
  };
}

/** Asks for the next batch, if there is room for one. */
export function sendMore(
  state: Streaming,
  effects: readonly UplinkEffect[],
  nowMs: number,
): UplinkStep {
  const batch = nextBatch(state, state.memory, nowMs);
  if (batch === undefined) return { state, effects };
  return {
    state: { ...state, sending: batch.lane },
    effects: [...effects, { kind: 'send', session: state.session, ...batch }],
  };
}

/** Takes in new heads. While history drains, a report tells what is new before it arrives. */
export function takeHeads(
  state: Streaming,
  event: { readonly nowMs: number; readonly marks: LaneMarks },
  limits: UplinkLimits,
): UplinkStep {
  const flows = eachLane((lane) => {
    const flow = laneOf(state, lane);
    return { ...flow, head: Math.max(flow.head, event.marks[laneIndex(lane)].head) };
  });
  const isBehind = bytesInFlight(state.lanes) > 0;
  const reportAtMs = isBehind ? soonReportAt(state, limits) : state.reportAtMs;
  return sendMore({ ...state, lanes: flows, reportAtMs }, [], event.nowMs);
}

function soonReportAt(state: Streaming, limits: UplinkLimits): number {
  return Math.min(state.reportAtMs, state.reportedAtMs + limits.reportGapMs);
}

/** Takes in what the ledger has, what it misses, and whether it wants a pause. */
export function takeAck(
  state: Streaming,
  event: { readonly nowMs: number; readonly ack: Ack },
  limits: UplinkLimits,
): UplinkStep {
  const { ack, nowMs } = event;
  const effects: UplinkEffect[] = [];
  let next = state;
  const before = laneOf(state, ack.lane);
  // Above head would be a lie, or a life of this journal that is not this one: the next welcome
  // says which.
  if (ack.watermark > before.acked && ack.watermark <= before.head) {
    next = advance(next, event, limits);
    const { lane, watermark, hash } = ack;
    effects.push({ kind: 'acknowledge', session: state.session, lane, watermark, hash });
    const { cap, pace } = next.memory;
    if (cap !== state.memory.cap && isSettled(cap)) effects.push({ kind: 'remember', cap });
    const { bytesPerS } = pace;
    if (bytesPerS !== state.memory.pace.bytesPerS) effects.push({ kind: 'measured', bytesPerS });
  }
  if (ack.missingFrom > 0) {
    const flow = takeGap(laneOf(next, ack.lane), ack, nowMs);
    next = { ...next, lanes: withLane(next.lanes, ack.lane, flow) };
  }
  if (ack.slowMs > 0) next = pause(next, ack.lane, nowMs + Math.min(ack.slowMs, SLOW_MS_MAX));
  return sendMore(next, effects, nowMs);
}

function advance(
  state: Streaming,
  event: { readonly nowMs: number; readonly ack: Ack },
  limits: UplinkLimits,
): Streaming {
  const { ack, nowMs } = event;
  const flow = laneOf(state, ack.lane);
  const landed = flow.flights.filter((flight) => flight.seqLast <= ack.watermark);
  const flows = withLane(state.lanes, ack.lane, {
    acked: ack.watermark,
    sent: Math.max(flow.sent, ack.watermark),
    flights: flow.flights.filter((flight) => flight.seqLast > ack.watermark),
    again: behind(flow.again, ack.watermark),
    cut: flow.cut.filter((flight) => flight.seqLast > ack.watermark),
    progressAtMs: nowMs,
    giveUpAtMs: undefined,
  });
  const next = { ...state, lanes: flows, isProven: true };
  return {
    ...next,
    reportAtMs: isDrained(next) ? soonReportAt(state, limits) : state.reportAtMs,
    memory: {
      ...state.memory,
      attempt: isStable(next, nowMs, limits) ? 0 : state.memory.attempt,
      doubts: eachLane((lane) =>
        doubtBehind(state.memory.doubts[laneIndex(lane)], laneOf(next, lane).acked),
      ),
      lastAckAtMs: nowMs,
      pace: measure(state, { landed, nowMs }),
      cap: observeFit(forgetOld(state.memory.cap, nowMs), landed),
    },
  };
}

function measure(
  state: Streaming,
  ack: { readonly landed: LaneFlow['flights']; readonly nowMs: number },
): UplinkMemory['pace'] {
  const { pace, lastAckAtMs } = state.memory;
  if (ack.landed.length === 0) return pace;
  const sinceMs = Math.min(...ack.landed.map(({ sentAtMs }) => sentAtMs));
  // Which of two is answered, nobody knows.
  const once = ack.landed.filter(({ isAgain }) => !isAgain);
  const last = once.toSorted((a, b) => b.order - a.order)[0];
  return observeAck(pace, {
    bytes: bytesOf(ack.landed),
    // The link was busy with these since they were sent, or since it was done with those before.
    busyMs: ack.nowMs - Math.max(sinceMs, lastAckAtMs ?? 0),
    roundTripMs: last ? Math.max(1, ack.nowMs - last.sentAtMs) : Number.POSITIVE_INFINITY,
    lastBytes: last?.bytes ?? 0,
  });
}

/** Live entries of other lanes go on: the gateway slows what drains. */
function pause(state: Streaming, lane: Lane, untilMs: number): Streaming {
  const flow = laneOf(state, lane);
  const lanesThen = withLane(state.lanes, lane, {
    pausedUntilMs: Math.max(flow.pausedUntilMs, untilMs),
    // While nothing may be sent, nothing is late.
    progressAtMs: Math.max(flow.progressAtMs, untilMs),
  });
  return { ...state, lanes: lanesThen };
}

/** A session is stable once it lasted, was confirmed by the ledger, and no lane is overdue. */
export function isStable(state: Streaming, nowMs: number, limits: UplinkLimits): boolean {
  if (!state.isProven || nowMs - state.sinceMs < limits.stableMs) return false;
  const isSilent = state.lanes.some((flow) => flow.giveUpAtMs !== undefined);
  const due = deadlines(state, state.memory.pace, limits);
  return !isSilent && due.every(({ resendAtMs }) => nowMs < resendAtMs);
}

/** What time alone brings: resends, unblocked lanes, reports. */
export function passTime(state: Streaming, nowMs: number, limits: UplinkLimits): UplinkStep {
  const { pace } = state.memory;
  const due = deadlines(state, pace, limits);
  const flows = eachLane((lane) => {
    const isSilent = nowMs >= due[laneIndex(lane)].resendAtMs;
    const flow = isSilent
      ? probeSilent(state, lane, { nowMs, pace, limits })
      : laneOf(state, lane);
    return resumed(flow, nowMs);
  });
  const isReportDue = nowMs >= state.reportAtMs;
  const next = {
    ...state,
    lanes: flows,
    notBeforeMs: nowMs < state.notBeforeMs ? state.notBeforeMs : 0,
    reportedAtMs: isReportDue ? nowMs : state.reportedAtMs,
    reportAtMs: isReportDue ? nowMs + state.reportEveryMs : state.reportAtMs,
  };
  return sendMore(next, isReportDue ? [{ kind: 'report' }] : [], nowMs);
}

/** What held it up is over. */
function resumed(flow: LaneFlow, nowMs: number): LaneFlow {
  const isUnblocked = flow.blocked !== undefined && flow.blocked.untilMs <= nowMs;
  const isResumed = flow.pausedUntilMs > 0 && flow.pausedUntilMs <= nowMs;
  if (!isUnblocked && !isResumed) return flow;
  return {
    ...flow,
    blocked: isUnblocked ? undefined : flow.blocked,
    pausedUntilMs: isResumed ? 0 : flow.pausedUntilMs,
  };
}

/** Whether the gateway has been silent for so long that the connection is given up. */
export function isGivenUp(state: Streaming, nowMs: number, limits: UplinkLimits): boolean {
  return deadlines(state, state.memory.pace, limits).some(({ giveUpAtMs }) => nowMs >= giveUpAtMs);
}

function doubtBehind(doubt: Doubt | undefined, acked: number): Doubt | undefined {
  const ranges = behind(doubt?.ranges ?? [], acked);
  return doubt && ranges.length > 0 ? { ...doubt, ranges } : undefined;
}

/** When the stream wants to be woken next. */
export function streamWakeAtMs(state: Streaming, limits: UplinkLimits): number {
  const due = deadlines(state, state.memory.pace, limits);
  return Math.min(
    state.reportAtMs,
    state.notBeforeMs === 0 ? Number.POSITIVE_INFINITY : state.notBeforeMs,
    ...due.flatMap(({ resendAtMs, giveUpAtMs }) => [resendAtMs, giveUpAtMs]),
    ...state.lanes.map((flow) => flow.pausedUntilMs || Number.POSITIVE_INFINITY),
    ...state.lanes.map((flow) => flow.blocked?.untilMs ?? Number.POSITIVE_INFINITY),
  );
}
