import { BATCH_ENTRIES_MAX, BATCH_PLAIN_BYTES_MAX, MESSAGE_BYTES_MAX } from '@holdfast/protocol';
import type { UplinkLimits } from './uplink-state.ts';

/** What has been measured of the link. */
export interface Pace {
  /** Acknowledged bytes, and the time it took, over about the last `SPAN_MS` of work. */
  readonly bytes: number;
  readonly busyMs: number;
  /** Shortest answer of this session; 0: not known. */
  readonly roundTripMs: number;
  /** What the link carries when it is busy, bytes a second, roughly; infinite: not known. */
  readonly bytesPerS: number;
  /** Bytes of a message for each byte of its entries. */
  readonly packing: number;
  /** Mean size of an entry. */
  readonly entryBytes: number;
}

export const paceUnknown: Pace = Object.freeze({
  bytes: 0,
  busyMs: 0,
  roundTripMs: 0,
  bytesPerS: Number.POSITIVE_INFINITY,
  packing: 1,
  entryBytes: 256,
});

/** Work that the measure of goodput remembers: short, so that it follows a link that changes. */
const SPAN_MS = 2_000;
/** What may be on its way at once: an alarm waits behind it, and is to be there within 2 s. */
const HORIZON_MS = 1_200;
/** On its way before anything is known: 3.4 s at 9.6 kbit/s. */
const INFLIGHT_BYTES_MIN = 4 * 1024;
/** Deadlines grow with a slow link up to this factor. */
const PATIENCE_MAX = 8;

/** A link that carried so much when it was used last: batches are small from the first one on. */
export function paceOf(bytesPerS: number): Pace {
  if (!Number.isFinite(bytesPerS)) return paceUnknown;
  // As after a second of work: it is soon known if the link is another one.
  return { ...paceUnknown, bytesPerS, bytes: bytesPerS, busyMs: 1_000 };
}

/**
 * Of a message that entries are read for: they deflate a little better or worse than those before,
 * and a batch that turns out too large is made once more.
 */
const FILL = 0.95;

/** Takes in that `bytes` were acknowledged, which the link was busy with for `busyMs`. */
export function observeAck(
  pace: Pace,
  ack: {
    readonly bytes: number;
    readonly busyMs: number;
    /** From the sending of the last of them to the answer, and its bytes. */
    readonly roundTripMs: number;
    readonly lastBytes: number;
  },
): Pace {
  const bytes = pace.bytes + ack.bytes;
  const busyMs = pace.busyMs + Math.max(0, ack.busyMs);
  const keep = Math.min(1, SPAN_MS / Math.max(1, busyMs));
  const roundTripMs = Math.min(pace.roundTripMs || Number.POSITIVE_INFINITY, ack.roundTripMs);
  const next = { ...pace, bytes: bytes * keep, busyMs: busyMs * keep, roundTripMs };
  return { ...next, bytesPerS: rateOf(next, ack) };
}

/** An answer that takes so long waits for the link, not for the way. */
const BUSY_MS_MIN = 1_000;

/** The rate of a link that is busy: what is idle most of the time tells nothing of it. */
function rateOf(
  pace: Pace,
  { roundTripMs: tookMs, lastBytes }: { readonly roundTripMs: number; readonly lastBytes: number },
): number {
  if (!Number.isFinite(tookMs)) return pace.bytesPerS;
  // It was not the link that was slow before.
  const isFaster = (1_000 * lastBytes) / tookMs > 1.5 * pace.bytesPerS;
  if (isFaster) return Number.POSITIVE_INFINITY;
  if (tookMs < Math.max(BUSY_MS_MIN, 2 * pace.roundTripMs)) return pace.bytesPerS;
  const bytesPerS = Math.max(1, Math.round(1_000 * (goodput(pace) ?? 0)));
  // Whoever keeps it in mind is told of what changes much.
  const isNear = bytesPerS < 1.5 * pace.bytesPerS && pace.bytesPerS < 1.5 * bytesPerS;
  return isNear ? pace.bytesPerS : bytesPerS;
}

/** Takes in how a batch was packed. */
export function observeBatch(
  pace: Pace,
  batch: { readonly bytes: number; readonly entryBytes: number; readonly count: number },
): Pace {
  // A hole tells nothing of how entries are packed.
  if (batch.entryBytes === 0) return pace;
  const packing = batch.bytes / batch.entryBytes;
  return {
    ...pace,
    packing: (pace.packing + Math.min(4, Math.max(0.02, packing))) / 2,
    entryBytes: (pace.entryBytes + batch.entryBytes / batch.count) / 2,
  };
}

/** Acknowledged bytes a ms; `undefined` before the first ack. */
export function goodput(pace: Pace): number | undefined {
  return pace.bytes === 0 ? undefined : pace.bytes / Math.max(1, pace.busyMs);
}

/** Bytes that may be on their way at once: what the link carries within the horizon. */
export function inflightBytesMax(pace: Pace): number {
  // With a shorter horizon than the round trip, the measure would shrink with each answer.
  const horizonMs = Math.max(HORIZON_MS, 2 * pace.roundTripMs);
  return Math.max(INFLIGHT_BYTES_MIN, (goodput(pace) ?? 0) * horizonMs);
}

/** Sizes of the next batch. Two fill the horizon: one is sent while the other is awaited. */
export function batchLimits(
  pace: Pace,
  batchBytesMax: number,
): {
  readonly messageBytesMax: number;
  readonly entryBytesMax: number;
  readonly entriesMax: number;
} {
  const messageBytesMax = Math.min(
    MESSAGE_BYTES_MAX,
    batchBytesMax,
    Math.ceil(inflightBytesMax(pace) / 2),
  );
  const entryBytesMax = Math.min(
    // Each entry has a head of up to 5 bytes in the payload.
    BATCH_PLAIN_BYTES_MAX - 5 * BATCH_ENTRIES_MAX,
    Math.ceil((FILL * messageBytesMax) / pace.packing),
  );
  // Twice the mean, so that small entries fill the batch and large ones are not read in vain.
  const entriesFit = 2 + Math.ceil((2 * entryBytesMax) / pace.entryBytes);
  const entriesMax = Math.min(BATCH_ENTRIES_MAX, entriesFit);
  return { messageBytesMax, entryBytesMax, entriesMax };
}

/** How much longer than the limits say an answer may take on this link, 1 to 8. */
export function patience(pace: Pace, inflightBytes: number, limits: UplinkLimits): number {
  const rate = goodput(pace);
  const expectedMs = rate === undefined ? 0 : pace.roundTripMs + inflightBytes / rate;
  return Math.min(PATIENCE_MAX, Math.max(1, (2 * expectedMs) / limits.resendMs));
}

/**
 * Of what a broker takes in a second: it may count in any, where a message at the end of one counts
 * whole, and besides batches there is a report now and then.
 */
const SHARE = 0.85;

/** When the broker takes the next message: evenly, since it may count in any window. 0: at once. */
export function nextAtMs(
  notBeforeMs: number,
  sent: { readonly bytes: number; readonly nowMs: number },
  limits: Pick<UplinkLimits, 'publishesPerS' | 'bytesPerS'>,
): number {
  const { publishesPerS, bytesPerS } = limits;
  const spaceMs = 1_000 * Math.max(1 / publishesPerS, sent.bytes / bytesPerS);
  if (spaceMs === 0) return 0;
  return Math.max(sent.nowMs, notBeforeMs) + spaceMs / SHARE;
}

/** Pause before an attempt to connect: exponential with full jitter. */
export function retryDelayMs(
  attempt: number,
  chance: number,
  limits: { readonly retryMsMin: number; readonly retryMsMax: number; readonly spreadMs?: number },
): number {
  const ceiling = Math.min(limits.retryMsMax, limits.retryMsMin * 2 ** Math.min(attempt, 30));
  return Math.round(Math.max(ceiling, limits.spreadMs ?? 0) * chance);
}
