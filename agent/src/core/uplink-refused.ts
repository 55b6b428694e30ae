import { eachLane, hex, laneIndex, lanes, type Lane, type Refusal } from '@holdfast/protocol';
import { cutBefore, inOrder } from './uplink-again.ts';
import { laneOf, withLane } from './uplink-lanes.ts';
import type {
  Doubt,
  Flight,
  InState,
  LaneFlow,
  SeqRange,
  UplinkEffect,
  UplinkStep,
} from './uplink-state.ts';
import { problemOf, sendMore } from './uplink-stream.ts';

type Streaming = InState<'streaming'>;

/** Once in a batch and twice alone: then an entry is given up. */
const ALONE_REFUSALS_MAX = 2;

interface Refused {
  readonly lane: Lane;
  readonly flight: Flight;
  /** It was to be sent again anyway, since one before it could not be read. */
  readonly isCut: boolean;
}

/** Which batch the gateway could not read; `undefined`: none that is on its way. */
export function refusedFlight(state: Streaming, { code, of }: Refusal): Refused | undefined {
  if (code !== 'HF_MESSAGE_INVALID' || of.byteLength === 0) return undefined;
  const tail = hex(of);
  for (const lane of lanes) {
    const { flights, cut } = laneOf(state, lane);
    const flight = [...flights, ...cut].find((each) => each.tail === tail);
    if (flight !== undefined) return { lane, flight, isCut: cut.includes(flight) };
  }
  return undefined;
}

/**
 * The gateway cannot read a batch. Its entries are sent one by one, each when the one before has
 * been answered, so that what can be read gets through. One that is refused alone, twice, gives way
 * to a hole. The link and the other lanes go on meanwhile.
 */
export function takeRefused(
  state: Streaming,
  { lane, flight, isCut, nowMs }: Refused & { readonly nowMs: number },
): UplinkStep {
  const { session, memory } = state;
  const { seqFirst: seq, seqLast, bytes } = flight;
  const before = memory.doubts[laneIndex(lane)];
  const doubt = isCut ? alsoDoubted(before, flight) : doubtOf(before, flight);
  const isGivenUp = !isCut && doubt.refusals >= ALONE_REFUSALS_MAX;
  const why = `lane ${lane}, seq ${seq} to ${seqLast}: the gateway cannot read it`;
  // Until the hole stands in its place.
  const blocked = { reason: problemOf('HF_MESSAGE_INVALID', why), untilMs: nowMs + ASIDE_MS };
  const flow = laneOf(state, lane);
  const doubts = eachLane((each) => (each === lane ? doubt : memory.doubts[laneIndex(each)]));
  const next = {
    ...state,
    memory: { ...memory, doubts },
    lanes: withLane(state.lanes, lane, {
      ...(isCut ? withoutCut(flow, flight) : cutBefore(flow, seq)),
      ...(!isCut && { progressAtMs: nowMs, giveUpAtMs: undefined }),
      ...(isGivenUp && { blocked }),
    }),
  };
  const effects: UplinkEffect[] = isGivenUp
    ? [{ kind: 'setAside', session, lane, seq, bytes, reason: 'refused' }]
    : [];
  return sendMore(next, effects, nowMs);
}

/** A disk takes no longer, or fails. */
const ASIDE_MS = 60_000;

function withoutCut(flow: LaneFlow, flight: Flight): LaneFlow {
  return { ...flow, cut: flow.cut.filter((each) => each !== flight) };
}

function doubtOf(before: Doubt | undefined, flight: Flight): Doubt {
  const { seqFirst: seq, seqLast } = flight;
  const { ranges } = alsoDoubted(before, flight);
  if (seq < seqLast) return { ranges, seq, refusals: 0 };
  return { ranges, seq, refusals: before?.seq === seq ? before.refusals + 1 : 1 };
}

function alsoDoubted(before: Doubt | undefined, { seqFirst, seqLast }: SeqRange): Doubt {
  const { ranges, ...rest } = before ?? { ranges: [], seq: 0, refusals: 0 };
  const isKnown = ranges.some((each) => each.seqFirst <= seqFirst && seqLast <= each.seqLast);
  return { ...rest, ranges: isKnown ? ranges : inOrder([...ranges, { seqFirst, seqLast }]) };
}
