import { eachLane, laneIndex, type Lane, type PerLane, type Report } from '@holdfast/protocol';
import type { Greeting } from './device-clock.ts';
import { noIncarnations, type Incarnations } from './incarnations.ts';
import type { DeviceRecord } from './ledger.ts';
import { emptyOutbox, type Outbox } from './outbox.ts';

/** What one gateway remembers of one device. All of it may be lost: the ledger is enough. */
export interface Session {
  readonly device: string;
  /** As the ledger has it; `undefined`: it has never seen this device. */
  readonly pinned: Pick<DeviceRecord, 'epoch' | 'publicKey' | 'awaitedKey'> | undefined;
  /** Highest seq of each lane that is known to be durable. */
  readonly watermarks: PerLane<number>;
  readonly incarnations: Incarnations;
  readonly outbox: Outbox;
  /** Batches that are on their way into the ledger. */
  readonly ingesting: number;
  /** Lanes whose chain contradicts the ledger's, since the last hello. */
  readonly brokenLanes: readonly Lane[];
  readonly lastSeenAtMs: number;
  readonly lastAckAtMs: number;
  readonly greetedAtMs: number;
  /** What the device's clock is compared by; `undefined`: this session has told already. */
  readonly greeting: Greeting | undefined;
  /** How far the device's wall clock was ahead of this gateway's when they were compared last. */
  readonly clockAheadMs: number | undefined;
  readonly reported: Report | undefined;
  readonly reportedAtMs: number;
  /** Since when its reports have shown a backlog; 0: the last one showed none. */
  readonly behindSinceMs: number;
  readonly refusals: number;
  readonly refusal: { readonly code: string; readonly why: string } | undefined;
  /** Answers to what was not taken, counted in windows: a stranger cannot make us talk. */
  readonly answers: { readonly sinceMs: number; readonly count: number };
}

export function newSession(device: string, record: DeviceRecord | undefined): Session {
  return {
    device,
    pinned: record,
    watermarks: watermarksOf(record),
    incarnations: noIncarnations,
    outbox: emptyOutbox(record?.lastReceipt ?? 0),
    ingesting: 0,
    brokenLanes: [],
    lastSeenAtMs: 0,
    lastAckAtMs: 0,
    greetedAtMs: 0,
    greeting: undefined,
    clockAheadMs: undefined,
    reported: undefined,
    reportedAtMs: 0,
    behindSinceMs: 0,
    refusals: 0,
    refusal: undefined,
    answers: { sinceMs: 0, count: 0 },
  };
}

export function watermarksOf(record: DeviceRecord | undefined): PerLane<number> {
  return eachLane((lane) => record?.lanes[laneIndex(lane)].watermark ?? 0);
}
