import { equalBytes, laneIndex, lanes, type PerLane, type Welcome } from '@holdfast/protocol';
import type { LaneMarks } from './uplink-state.ts';

/** The ledger has another life of this journal: this one ends, and a new epoch is to begin. */
export interface Outlived {
  readonly cause: 'rewound' | 'forked';
  /** The highest epoch that is known to the ledger: the new one has to be above. */
  readonly epoch: number;
  /** For people: where both sides stand. */
  readonly why: string;
}

/** What this journal is, as a welcome finds it. */
export interface JournalStand {
  readonly epoch: number;
  readonly marks: LaneMarks;
  /** Its own hash of each lane at the watermark of the welcome; `undefined`: not kept here. */
  readonly hashes: PerLane<Uint8Array | undefined>;
}

/**
 * Compares what the ledger holds with what is journaled here; `undefined`: this journal can go on.
 *
 * `rewound`: the ledger has entries of this epoch that this journal has not, or a later epoch: an
 * old state was restored. `forked`: they differ at what both had agreed on, which no restored copy
 * explains: something was changed, here or there.
 */
export function outlivedBy(welcome: Welcome, stand: JournalStand): Outlived | undefined {
  const { epoch } = welcome;
  if (epoch > stand.epoch) {
    return { cause: 'rewound', epoch, why: `epoch ${stand.epoch} here, ${epoch} there` };
  }
  let cause: Outlived['cause'] | undefined;
  const stands: string[] = [];
  for (const lane of lanes) {
    const { watermark, hash, verdict } = welcome.lanes[laneIndex(lane)];
    const { head, acked } = stand.marks[laneIndex(lane)];
    const own = stand.hashes[laneIndex(lane)];
    const differs = own !== undefined && watermark <= head && !equalBytes(own, hash);
    const isForked = verdict === 'forked' || (differs && watermark <= acked);
    if (!isForked && !differs && verdict === 'ok' && watermark <= head) continue;
    cause = isForked || cause === 'forked' ? 'forked' : 'rewound';
    stands.push(`${lane} ${head} here, ${watermark} there`);
  }
  return cause && { cause, epoch, why: stands.join('; ') };
}
