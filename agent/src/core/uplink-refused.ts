import { eachLane, hex, laneIndex, lanes, type Lane, type Refusal } from '@holdfast/protocol';
import { cutBefore } from './uplink-again.ts';
import { laneOf, withLane } from './uplink-lanes.ts';
import type { Doubt, Flight, InState, UplinkEffect, UplinkStep } from './uplink-state.ts';
import { problemOf, sendMore } from './uplink-stream.ts';

type Streaming = InState<'streaming'>;

/** Once in a batch and twice alone: then an entry is given up. */
const ALONE_REFUSALS_MAX = 2;

/** Which batch the gateway could not read; `undefined`: none that is on its way. */
export function refusedFlight(
  state: Streaming,
  { code, of }: Refusal,
): { readonly lane: Lane; readonly flight: Flight } | undefined {
  if (code !== 'HF_MESSAGE_INVALID' || of.byteLength === 0) return undefined;
  const tail = hex(of);
  for (const lane of lanes) {
    const flight = laneOf(state, lane).flights.find((each) => each.tail === tail);
    if (flight !== undefined) return { lane, flight };
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
  { lane, flight, nowMs }: { readonly lane: Lane; readonly flight: Flight; readonly nowMs: number },
): UplinkStep {
  const { session, memory } = state;
  const { seqFirst: seq, seqLast, bytes } = flight;
  const doubt = doubtOf(memory.doubts[laneIndex(lane)], flight);
  const isGivenUp = doubt.refusals >= ALONE_REFUSALS_MAX;
  const why = `lane ${lane}, seq ${seq} to ${seqLast}: the gateway cannot read it`;
  // Until the hole stands in its place.
  const blocked = { reason: problemOf('HF_MESSAGE_INVALID', why), untilMs: nowMs + ASIDE_MS };
  const flow = {
    ...cutBefore(laneOf(state, lane), seq),
    ...{ progressAtMs: nowMs, giveUpAtMs: undefined },
    ...(isGivenUp && { blocked }),
  };
  const doubts = eachLane((each) => (each === lane ? doubt : memory.doubts[laneIndex(each)]));
  const next = {
    ...state,
    memory: { ...memory, doubts },
    lanes: withLane(state.lanes, lane, flow),
  };
  const effects: UplinkEffect[] = isGivenUp
    ? [{ kind: 'setAside', session, lane, seq, bytes, reason: 'refused' }]
    : [];
  return sendMore(next, effects, nowMs);
}

/** A disk takes no longer, or fails. */
const ASIDE_MS = 60_000;

function doubtOf(before: Doubt | undefined, { seqFirst, seqLast }: Flight): Doubt {
  if (seqFirst < seqLast) return { seqFirst, seqLast, seq: seqFirst, refusals: 0 };
  const refusals = before?.seq === seqFirst ? before.refusals + 1 : 1;
  const through = Math.max(before?.seqLast ?? 0, seqLast);
  return { seqFirst, seqLast: through, seq: seqFirst, refusals };
}
