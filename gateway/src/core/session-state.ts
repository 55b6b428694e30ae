import { eachLane, laneIndex, type Lane, type PerLane, type Report } from '@holdfast/protocol';
import type { Greeting } from './device-clock.ts';
import { noIncarnations, type Incarnations } from './incarnations.ts';
import type { DeviceRecord } from './ledger.ts';
import { emptyOutbox, receive, type Outbox } from './outbox.ts';
import type { SessionEvent } from './session-events.ts';

/** By what a device is known. */
export type PinnedDevice = Pick<
  DeviceRecord,
  'epoch' | 'publicKey' | 'awaitedKey' | 'revokedKey'
>;

/** What one gateway remembers of one device. All of it may be lost: the ledger is enough. */
export interface Session {
  readonly device: string;
  /** As the ledger has it; `undefined`: it has never seen this device. */
  readonly pinned: PinnedDevice | undefined;
  /** When the ledger was asked for that. */
  readonly lookedAtMs: number;
  /** Where its data may be, as its tag `region` says; empty: anywhere. */
  readonly region: string;
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

export function newSession(
  device: string,
  record: DeviceRecord | undefined,
  nowMs = 0,
): Session {
  return {
    device,
    pinned: record,
    region: regionOf(record),
    lookedAtMs: nowMs,
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

/** Whether the device was heard of late. */
export function isOnline(
  { lastSeenAtMs }: Pick<Session, 'lastSeenAtMs'>,
  at: { readonly nowMs: number; readonly limits: { readonly offlineAfterMs: number } },
): boolean {
  return lastSeenAtMs > 0 && at.nowMs - lastSeenAtMs <= at.limits.offlineAfterMs;
}

/** The region that a device is tagged with; empty: none. */
export function regionOf(record: DeviceRecord | undefined): string {
  return record?.tags.find(({ name }) => name === 'region')?.value ?? '';
}

export function watermarksOf(record: DeviceRecord | undefined): PerLane<number> {
  return eachLane((lane) => record?.lanes[laneIndex(lane)].watermark ?? 0);
}

/** The session as the ledger has it now: another gateway may have met the device meanwhile. */
export function refreshed(state: Session, record: DeviceRecord, nowMs: number): Session {
  const outbox = receive(state.outbox, record.lastReceipt, nowMs);
  const region = regionOf(record);
  const looked = { ...state, pinned: record, region, lookedAtMs: nowMs, outbox };
  const watermarks = watermarksOf(record);
  if (state.pinned?.epoch === record.epoch) return { ...looked, watermarks };
  // What an earlier life has applied, this one has not.
  return { ...looked, watermarks, brokenLanes: [], outbox: emptyOutbox(record.lastReceipt) };
}

/** What a device says of itself, and of what any gateway has acknowledged to it. */
export function reportedAt(state: Session, report: Report, nowMs: number): Session {
  const before = state.watermarks;
  const watermarks = eachLane((lane) =>
    Math.max(before[laneIndex(lane)], report.lanes[laneIndex(lane)].acked),
  );
  const hasMoved = watermarks.some((watermark, index) => watermark > (before[index] ?? 0));
  const lastAckAtMs = hasMoved ? nowMs : state.lastAckAtMs;
  return { ...state, watermarks, lastAckAtMs, reported: report, reportedAtMs: nowMs };
}

/** Whether an agent greets, with a signature that is right. */
export function isGreeting(event: SessionEvent): boolean {
  return event.kind === 'message' && event.genuine && event.message.kind === 'hello';
}

/** How long what the ledger said of a device is not asked for again. */
const LOOK_MS = 1_000;

/**
 * Whether a message is to be judged by what the ledger knows now: by what is remembered here it
 * would be refused, and another gateway may have met the device since.
 */
export function isToBeLookedUp(state: Session, event: SessionEvent, nowMs: number): boolean {
  if (event.kind !== 'message') return false;
  const { message, genuine } = event;
  if (genuine && message.kind === 'report' && isBeyond(state, message)) return true;
  if (nowMs - state.lookedAtMs < LOOK_MS) return false;
  const isOtherLife = 'epoch' in message && message.epoch !== state.pinned?.epoch;
  return !genuine || (message.kind !== 'hello' && isOtherLife);
}

/** Whether a device was acknowledged more than is known to be in the ledger. */
export function isBeyond({ watermarks }: Session, { lanes }: Report): boolean {
  return watermarks.some((watermark, index) => (lanes[index]?.acked ?? 0) > watermark);
}
