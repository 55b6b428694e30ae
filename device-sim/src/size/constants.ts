/** What one entry costs, measured with payloads of one size. */
export interface EntryCost {
  /** As JSON. */
  readonly payloadBytes: number;
  /** In the files of the device's store. */
  readonly journalBytes: number;
  /** In the files of a ledger in LevelDB. */
  readonly ledgerBytes: number;
  /** From device to broker on TCP, in a backlog that drains. */
  readonly wireBytes: number;
  /** That one gateway with its own broker and ledger took from one device in a second. */
  readonly drainedPerS: number;
}

/**
 * Readings with names that come again and numbers that do not, 3,000 of each size, on two cores
 * that others used too: `holdfast-sim size --measure` does it again on yours.
 */
export const measuredCosts: readonly EntryCost[] = [
  { payloadBytes: 60, journalBytes: 113, ledgerBytes: 122, wireBytes: 24, drainedPerS: 18_088 },
  { payloadBytes: 200, journalBytes: 274, ledgerBytes: 284, wireBytes: 95, drainedPerS: 9_074 },
  {
    payloadBytes: 1_000,
    journalBytes: 1_022,
    ledgerBytes: 1_212,
    wireBytes: 496,
    drainedPerS: 4_519,
  },
];

/** Of a month in which nothing happens, on a metered link: `npm run bench -- idle-bytes`. */
export const IDLE_BYTES_A_MONTH = 481_000;
/** Devices that may connect in a second when all come back: the gateway's own pace. */
export const CONNECTS_PER_S = 500;
/** Of what a gateway can take, so much is for every day; the rest is for those who catch up. */
export const DAILY_SHARE = 0.5;

/** What an entry with a payload of this size costs, between and beyond the sizes measured. */
export function costOf(payloadBytes: number, costs: readonly EntryCost[]): EntryCost {
  const sorted = costs.toSorted((a, b) => a.payloadBytes - b.payloadBytes);
  const above = Math.max(
    1,
    sorted.findIndex((each) => each.payloadBytes >= payloadBytes),
  );
  const high = sorted[above] ?? sorted.at(-1);
  const low = sorted[above - 1] ?? sorted[0];
  if (high === undefined || low === undefined || high === low) return high ?? noCost;
  const share = (payloadBytes - low.payloadBytes) / (high.payloadBytes - low.payloadBytes);
  const along = (of: (cost: EntryCost) => number): number =>
    Math.max(1, of(low) + share * (of(high) - of(low)));
  return {
    payloadBytes,
    journalBytes: along(({ journalBytes }) => journalBytes),
    ledgerBytes: along(({ ledgerBytes }) => ledgerBytes),
    wireBytes: along(({ wireBytes }) => wireBytes),
    // Time for each, not its inverse, grows with the size.
    drainedPerS: 1 / along2(low, high, share),
  };
}

function along2(low: EntryCost, high: EntryCost, share: number): number {
  const [from, to] = [1 / low.drainedPerS, 1 / high.drainedPerS];
  return Math.max(Math.min(from, to) / 2, from + share * (to - from));
}

const noCost: EntryCost = {
  ...{ payloadBytes: 0, journalBytes: 0, ledgerBytes: 0, wireBytes: 0, drainedPerS: 1 },
};
