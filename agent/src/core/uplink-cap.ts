import type { Lane } from '@holdfast/protocol';
import type { Flight } from './uplink-state.ts';

/** What has been learned of the size that messages may have, beyond what anybody says. */
export interface Cap {
  /** Largest message that was acknowledged. */
  readonly fits: number;
  /** Smallest one that the connection ended with; infinite: none is known. */
  readonly fails: number;
  /** For how long that is believed since it was seen last. */
  readonly trustMs: number;
  readonly failedAtMs: number;
  /** An entry that cannot be made smaller, while it is found out whether it can be sent. */
  readonly trial: Trial | undefined;
}

export interface Trial {
  readonly lane: Lane;
  readonly seq: number;
  /** Of the message with this entry alone. */
  readonly bytes: number;
  /** How often the connection ended at once when it was sent. */
  readonly sends: number;
}

/** What of it outlives the process. */
export type KnownCap = Pick<Cap, 'fits' | 'fails'>;

/** Doubled each time that it proves right: a bad link must not make messages small for long. */
const TRUST_MS_MIN = 15_000;
const TRUST_MS_MAX = 24 * 60 * 60_000;
/** No broker is known that takes less. */
const CAP_BYTES_MIN = 8 * 1_024;
/** A broker reads the size first and hangs up at once; what ends later ends for another reason. */
const QUICK_MS = 2_000;
/** An entry is sent so often before it is given up. */
export const TRIAL_SENDS_MAX = 3;

export const capUnknown: Cap = Object.freeze({
  fits: 0,
  fails: Number.POSITIVE_INFINITY,
  trustMs: TRUST_MS_MIN,
  failedAtMs: 0,
  trial: undefined,
});

/** What an earlier process has learned. */
export function capOf(known: KnownCap | undefined, nowMs: number): Cap {
  if (known === undefined) return capUnknown;
  return { ...capUnknown, ...known, trustMs: TRUST_MS_MAX, failedAtMs: nowMs };
}

/**
 * Bytes that the next message may have. Between what fits and what fails the middle is tried, as
 * long as they are far apart: each try may cost a connection.
 */
export function capBytes({ fits, fails }: Cap): number {
  if (!Number.isFinite(fails)) return Number.POSITIVE_INFINITY;
  if (fails <= 2 * fits) return Math.max(CAP_BYTES_MIN, fits);
  return Math.max(CAP_BYTES_MIN, Math.floor(Math.sqrt(Math.max(1, fits) * fails)));
}

/** The search has come to its end, or an entry has proven it. */
export function isSettled({ fits, fails }: Cap): boolean {
  return Number.isFinite(fails) && fails <= 2 * fits;
}

/** Takes in that these were acknowledged. */
export function observeFit(cap: Cap, landed: readonly Flight[]): Cap {
  const largest = landed.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  if (largest <= cap.fits) return cap;
  const { trial } = cap;
  const isTrialOver = trial !== undefined && trial.bytes <= largest;
  return {
    ...cap,
    fits: largest,
    // It was not the size then.
    fails: largest >= cap.fails ? Number.POSITIVE_INFINITY : cap.fails,
    trial: isTrialOver ? undefined : trial,
  };
}

/** A broker that was right once is believed for longer when it says so again. */
function failing(cap: Cap, bytes: number, nowMs: number): Cap {
  const trustMs = Math.min(TRUST_MS_MAX, cap.trustMs * (Number.isFinite(cap.fails) ? 1 : 2));
  return { ...cap, fails: Math.min(cap.fails, bytes), trustMs, failedAtMs: nowMs };
}

/** What is long ago is no longer believed: the broker may have other limits now. */
export function forgetOld(cap: Cap, nowMs: number): Cap {
  const isOld = Number.isFinite(cap.fails) && nowMs - cap.failedAtMs > cap.trustMs;
  return isOld && cap.trial === undefined ? { ...cap, fails: Number.POSITIVE_INFINITY } : cap;
}

export interface Loss {
  readonly nowMs: number;
  readonly flights: readonly (Flight & { readonly lane: Lane })[];
  readonly roundTripMs: number;
  /** The session has lasted for so long that the link is a good one. */
  readonly wasStable: boolean;
}

/**
 * Takes in that the connection was ended from outside while these were on their way. If one of
 * them is larger than any that has passed, and was only just sent, it may be the reason. A link
 * that is bad without it is no proof against it.
 */
export function observeLoss(cap: Cap, loss: Loss): Cap {
  const { nowMs, flights, roundTripMs, wasStable } = loss;
  const quickMs = QUICK_MS + 2 * roundTripMs;
  const suspects = flights.filter(
    ({ bytes, sentAtMs }) =>
      bytes > Math.max(cap.fits, CAP_BYTES_MIN) && nowMs - sentAtMs <= quickMs,
  );
  const suspect = suspects.toSorted((a, b) => b.bytes - a.bytes)[0];
  const { trial } = cap;
  if (trial !== undefined && trial.sends > 0) {
    const isStruck = suspects.some((flight) => isOnTrial(trial, flight));
    const wasSent = flights.some((flight) => isOnTrial(trial, flight));
    if (isStruck) return failing(cap, trial.bytes, nowMs);
    const isInnocent = wasSent || !wasStable;
    return isInnocent ? { ...cap, trial: { ...trial, sends: trial.sends - 1 } } : cap;
  }
  if (suspect === undefined) return cap;
  const { lane, seqFirst: seq, seqLast, bytes } = suspect;
  const isSingle = seq === seqLast;
  const began = isSingle ? { lane, seq, bytes, sends: 1 } : trial;
  return { ...failing(cap, bytes, nowMs), trial: began };
}

function isOnTrial(trial: Trial, flight: { readonly lane: Lane; readonly seqFirst: number }) {
  return flight.lane === trial.lane && flight.seqFirst === trial.seq;
}

/** Takes in that an entry is sent although it may be too large. */
export function observeTrial(cap: Cap, sent: Omit<Trial, 'sends'>): Cap {
  return { ...cap, trial: { ...sent, sends: sendsOf(cap, sent) + 1 } };
}

/** How often this entry has ended the connection. */
export function sendsOf({ trial }: Cap, entry: { readonly lane: Lane; readonly seq: number }) {
  const isSame = trial?.lane === entry.lane && trial.seq === entry.seq;
  return isSame ? trial.sends : 0;
}
