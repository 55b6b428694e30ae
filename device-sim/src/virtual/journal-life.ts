import { lanes, type Lane } from '@holdfast/protocol';

export interface LaneTruth {
  /** Bytes of each entry that was ever durable, from seq 1 on. */
  readonly entries: Uint8Array[];
  /** The chain's hash at each. */
  readonly hashes: Uint8Array[];
  acked: number;
}

/** What was ever durable of one history of one epoch of a device's journal. */
export interface JournalLife {
  readonly device: string;
  readonly epoch: number;
  readonly lanes: Readonly<Record<Lane, LaneTruth>>;
  /** Operations that have their outcome, by run and step, with the seq of that. */
  readonly done: Map<string, number>;
  /** Entries that the disk has changed, as lane and seq; those that were written anew are not. */
  readonly rotten: Set<string>;
}

/** An entry's place in a life. */
export const placeOf = (lane: Lane, seq: number): string => `${lane}/${seq}`;

/** How far a life had come at some moment. */
export interface LifeMark {
  readonly life: JournalLife;
  /** Of each lane, in the order of lanes. */
  readonly heads: readonly number[];
}

export function newLife(device: string, epoch: number): JournalLife {
  const none = (): LaneTruth => ({ entries: [], hashes: [], acked: 0 });
  return {
    ...{ device, epoch, done: new Map(), rotten: new Set<string>() },
    lanes: { urgent: none(), normal: none(), bulk: none() },
  };
}

/** A life that goes on from a mark, beside the one that went on from there before. */
export function branchOf({ life, heads }: LifeMark): JournalLife {
  const cut = (lane: Lane): LaneTruth => {
    const head = heads[lanes.indexOf(lane)] ?? 0;
    const { entries, hashes, acked } = life.lanes[lane];
    const kept = { entries: entries.slice(0, head), hashes: hashes.slice(0, head) };
    return { ...kept, acked: Math.min(acked, head) };
  };
  const normal = heads[lanes.indexOf('normal')] ?? 0;
  return {
    ...{ device: life.device, epoch: life.epoch, rotten: new Set(life.rotten) },
    lanes: { urgent: cut('urgent'), normal: cut('normal'), bulk: cut('bulk') },
    done: new Map([...life.done].filter(([, seq]) => seq <= normal)),
  };
}
