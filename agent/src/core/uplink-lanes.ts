import { eachLane, laneIndex, lanes, type Lane, type PerLane } from '@holdfast/protocol';
import { nextRange, placed, probe } from './uplink-again.ts';
import { capBytes } from './uplink-cap.ts';
import { batchLimits, inflightBytesMax, patience, type Pace } from './uplink-pace.ts';
import type { LinkGate } from './link-plan.ts';
import type {
  Doubt,
  Flight,
  LaneFlow,
  SendRequest,
  SeqRange,
  Stream,
  UplinkLimits,
  UplinkMemory,
} from './uplink-state.ts';

/** Shares of a busy link. */
const weights: Readonly<Record<Lane, number>> = { urgent: 8, normal: 3, bulk: 1 };

export function laneOf(stream: Pick<Stream, 'lanes'>, lane: Lane): LaneFlow {
  return stream.lanes[laneIndex(lane)];
}

export function withLane(
  all: PerLane<LaneFlow>,
  lane: Lane,
  change: Partial<LaneFlow>,
): PerLane<LaneFlow> {
  return eachLane((each) => {
    const flow = all[laneIndex(each)];
    return each === lane ? { ...flow, ...change } : flow;
  });
}

/** Bytes on their way: a batch of one lane waits behind those of all. */
export function bytesInFlight(flows: readonly LaneFlow[]): number {
  return flows.reduce((sum, flow) => sum + bytesOf(flow.flights), 0);
}

export function bytesOf(flights: readonly Flight[]): number {
  return flights.reduce((sum, flight) => sum + flight.bytes, 0);
}

function hasPending(flow: LaneFlow): boolean {
  return flow.blocked === undefined && nextRange(flow) !== undefined;
}

/** Entries wait that could be sent if there were room. */
export function isWaiting(stream: Stream): boolean {
  return stream.lanes.some(hasPending);
}

/** Everything the device has is in the ledger. */
export function isDrained(stream: Stream): boolean {
  return stream.lanes.every((flow) => flow.acked >= flow.head);
}

/**
 * The next batch, if there is room for one.
 *
 * Lanes share the window by weight, the most urgent first among equals, so that none starves.
 * History never takes the last place of the window nor more bytes than the link carries in a few
 * seconds: an alarm finds a place, and what it waits behind is short.
 */
export function nextBatch(
  stream: Stream,
  { pace, cap, gate, doubts }: Pick<UplinkMemory, 'pace' | 'cap' | 'gate' | 'doubts'>,
  nowMs: number,
): SendRequest | undefined {
  if (stream.sending !== undefined || nowMs < stream.notBeforeMs) return undefined;
  let next: Lane | undefined;
  let turnNext = Number.POSITIVE_INFINITY;
  for (const lane of lanes) {
    const flow = laneOf(stream, lane);
    const turn = Math.max(stream.turn, flow.turn);
    if (!lets(gate, lane) || nowMs < flow.pausedUntilMs) continue;
    if (doubts[laneIndex(lane)] !== undefined && flow.flights.length > 0) continue;
    if (turn >= turnNext || !hasPending(flow) || !hasRoom(stream, lane, pace)) continue;
    next = lane;
    turnNext = turn;
  }
  const range = next && nextRange(laneOf(stream, next));
  if (next === undefined || range === undefined) return undefined;
  const { seqFirst, seqLast } = range;
  const bytesMax = capBytes(cap);
  const limits = batchLimits(pace, Math.min(stream.batchBytesMax, bytesMax));
  const oneEntryBytesMax = Math.min(stream.messageBytesMax, bytesMax);
  const through = untilDoubt(doubts[laneIndex(next)], { seqFirst, seqLast });
  const entriesMax = Math.min(limits.entriesMax, through - seqFirst + 1);
  return { ...limits, oneEntryBytesMax, lane: next, seqFirst, entriesMax };
}

/** What is in doubt goes alone; what is not, as far as the next that is. */
function untilDoubt(doubt: Doubt | undefined, { seqFirst, seqLast }: SeqRange): number {
  const next = doubt?.ranges.find((range) => range.seqLast >= seqFirst);
  if (next === undefined || next.seqFirst > seqLast) return seqLast;
  return next.seqFirst <= seqFirst ? seqFirst : next.seqFirst - 1;
}

function lets(gate: LinkGate, lane: Lane): boolean {
  return gate === 'all' || (gate === 'urgent' && lane === 'urgent');
}

/** Nothing is on its way, and nothing is left of what may go. */
export function isDone(stream: Stream, gate: LinkGate): boolean {
  if (stream.sending !== undefined) return false;
  return lanes.every((lane) => {
    const flow = laneOf(stream, lane);
    return flow.flights.length === 0 && !(lets(gate, lane) && hasPending(flow));
  });
}

function hasRoom(stream: Stream, lane: Lane, pace: Pace): boolean {
  const { giveUpAtMs, again } = laneOf(stream, lane);
  if (giveUpAtMs !== undefined && again.length === 0) return false;
  const [urgent, ...history] = stream.lanes;
  const waiting = history.flatMap((flow) => flow.flights);
  if (urgent.flights.length + waiting.length >= stream.inflightMax) return false;
  const bytesAfter = bytesInFlight(stream.lanes) + stream.batchBytesMax;
  if (bytesAfter > stream.inflightBytesMax) return false;
  if (lane === 'urgent' || waiting.length === 0) return true;
  return waiting.length < stream.inflightMax - 1 && bytesOf(waiting) < inflightBytesMax(pace);
}

/** Takes in that a batch was handed to the link. */
export function noteSent(
  stream: Stream,
  batch: { readonly lane: Lane; readonly flight: Omit<Flight, 'order'> },
): Stream {
  const { lane, flight } = batch;
  const before = laneOf(stream, lane);
  const flow = placed(before, flight);
  // The lane went back while the batch was being read: what it carries is sent again anyway.
  if (flow === undefined) return { ...stream, sending: undefined };
  const turn = Math.max(stream.turn, flow.turn);
  return {
    ...stream,
    sending: undefined,
    turn,
    lanes: withLane(stream.lanes, lane, {
      ...flow,
      progressAtMs: before.flights.length === 0 ? flight.sentAtMs : flow.progressAtMs,
      turn: turn + flight.bytes / weights[lane],
    }),
  };
}

/** When a lane without progress goes back, and when its connection is given up then. */
export function deadlines(
  stream: Stream,
  pace: Pace,
  limits: UplinkLimits,
): PerLane<{ readonly resendAtMs: number; readonly giveUpAtMs: number }> {
  const factor = patience(pace, bytesInFlight(stream.lanes), limits);
  return eachLane((lane) => {
    const { flights, giveUpAtMs, probeAgainAtMs, progressAtMs } = laneOf(stream, lane);
    const isAwaiting = flights.length > 0;
    if (giveUpAtMs !== undefined) {
      return { resendAtMs: isAwaiting ? probeAgainAtMs : Number.POSITIVE_INFINITY, giveUpAtMs };
    }
    return {
      resendAtMs: isAwaiting ? progressAtMs + limits.resendMs * factor : Number.POSITIVE_INFINITY,
      giveUpAtMs: Number.POSITIVE_INFINITY,
    };
  });
}

/**
 * The lane has been silent: one batch goes again, and once more in the middle of what is left of
 * the deadline. Where several gateways share what comes, one that hangs may have had the first two.
 */
export function probeSilent(stream: Stream, lane: Lane, now: SilenceContext): LaneFlow {
  const flow = laneOf(stream, lane);
  if (flow.giveUpAtMs !== undefined) {
    return probe({ ...flow, probeAgainAtMs: Number.POSITIVE_INFINITY }, flow.giveUpAtMs);
  }
  const factor = patience(now.pace, bytesInFlight(stream.lanes), now.limits);
  const restMs = Math.max(0, (now.limits.ackDeadlineMs - now.limits.resendMs) * factor);
  return probe({ ...flow, probeAgainAtMs: now.nowMs + restMs / 2 }, now.nowMs + restMs);
}

interface SilenceContext {
  readonly nowMs: number;
  readonly pace: Pace;
  readonly limits: UplinkLimits;
}
