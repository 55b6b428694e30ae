import type { Ack } from '@holdfast/protocol';
import type { Flight, LaneFlow, SeqRange } from './uplink-state.ts';

/** The lane begins again behind what the ledger has. */
export function goBack(flow: LaneFlow, change: Partial<LaneFlow>): LaneFlow {
  const recoverThrough = Math.max(flow.sent, flow.recoverThrough);
  const from = { sent: flow.acked, flights: [], again: [], giveUpAtMs: undefined };
  return { ...flow, ...from, recoverThrough, ...change };
}

/**
 * Into a silence the newest batch on its way is sent once more, and nothing else: the answer to it
 * says what of the others has arrived.
 */
export function probe(flow: LaneFlow, giveUpAtMs: number): LaneFlow {
  const newest = flow.flights.reduce((a, b) => (b.order > a.order ? b : a));
  return { ...sendAgain(flow, [newest]), giveUpAtMs };
}

/**
 * Takes in that the ledger misses something. What is not known to be kept behind it, and was
 * handed over before what is, was lost: only that is sent again. A gateway that keeps nothing gets
 * the lane again from where it stands.
 */
export function takeGap(flow: LaneFlow, ack: Ack, nowMs: number): LaneFlow {
  const { missingFrom, kept } = ack;
  if (missingFrom <= flow.acked || missingFrom > flow.sent) return flow;
  if (kept.length === 0) {
    // Up to there it is known, and on its way again: each batch that was sent behind the gap is
    // answered so, and none of these answers may cause another resend.
    return missingFrom > flow.recoverThrough ? goBack(flow, { progressAtMs: nowMs }) : flow;
  }
  const isKept = (flight: Flight) =>
    kept.some((range) => range.seqFirst <= flight.seqFirst && flight.seqLast <= range.seqLast);
  const newest = flow.flights.filter(isKept).reduce((most, { order }) => Math.max(most, order), 0);
  const lost = flow.flights.filter((flight) => flight.order < newest && !isKept(flight));
  if (lost.length === 0) return flow;
  // What is lost again and again is no progress: the connection is given up in the end.
  const isNew = lost.some(({ isAgain }) => !isAgain);
  const patience = isNew ? { progressAtMs: nowMs, giveUpAtMs: undefined } : {};
  return { ...sendAgain(flow, lost), ...patience };
}

/** The lane goes on with `seq`, as if it and all behind it had not been sent. */
export function cutBefore(flow: LaneFlow, seq: number): LaneFlow {
  return {
    ...flow,
    sent: Math.min(flow.sent, seq - 1),
    flights: flow.flights.filter(({ seqLast }) => seqLast < seq),
    cut: [...flow.cut, ...flow.flights.filter(({ seqFirst }) => seqFirst > seq)],
    again: flow.again.filter(({ seqLast }) => seqLast < seq),
    recoverThrough: Math.max(flow.sent, flow.recoverThrough),
  };
}

function sendAgain(flow: LaneFlow, lost: readonly Flight[]): LaneFlow {
  const ranges = lost.map(({ seqFirst, seqLast }) => ({ seqFirst, seqLast }));
  return {
    ...flow,
    flights: flow.flights.filter((flight) => !lost.includes(flight)),
    again: inOrder([...flow.again, ...ranges]),
  };
}

/** What the lane goes on with; `undefined`: nothing waits. */
export function nextRange({ again, sent, head }: LaneFlow): SeqRange | undefined {
  return again[0] ?? (sent < head ? { seqFirst: sent + 1, seqLast: head } : undefined);
}

/** Takes in that a batch was handed to the link; `undefined`: it has no place in the lane now. */
export function placed(flow: LaneFlow, flight: Omit<Flight, 'order'>): LaneFlow | undefined {
  const { again, sent } = flow;
  const [first] = again;
  const isAgain = first?.seqFirst === flight.seqFirst;
  if (!isAgain && flight.seqFirst !== sent + 1) return undefined;
  const order = flow.sends + 1;
  return {
    ...flow,
    sends: order,
    sent: Math.max(sent, flight.seqLast),
    again: behind(again, isAgain ? flight.seqLast : 0),
    flights: inOrder([...flow.flights, { ...flight, order }]),
  };
}

/** What of these lies behind `seq`. */
export function behind(ranges: readonly SeqRange[], seq: number): readonly SeqRange[] {
  if (ranges.length === 0) return ranges;
  return ranges
    .filter(({ seqLast }) => seqLast > seq)
    .map(({ seqFirst, seqLast }) => ({ seqFirst: Math.max(seqFirst, seq + 1), seqLast }));
}

export function inOrder<T extends SeqRange>(ranges: readonly T[]): readonly T[] {
  return ranges.toSorted((a, b) => a.seqFirst - b.seqFirst);
}
