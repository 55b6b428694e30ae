import { laneIndex, lanes, type Lane, type Report } from '@holdfast/protocol';
import type { Session } from './session-state.ts';

export const liveStates = [
  /** Registered, and nothing was ever heard or held of it but its greeting. */
  'new',
  /** Heard lately; nothing is pending. */
  'synced',
  /** Heard lately; entries are on their way. */
  'syncing',
  /** Nothing heard for a while, which is normal. */
  'offline',
  /** Heard lately and behind, but its watermark stands still, or a lane was refused. */
  'stuck',
  /** Two agents use this identity. */
  'conflict',
] as const;

export type DeviceState = (typeof liveStates)[number];

/** What is known of a device beyond the ledger, since this gateway started. */
export interface DeviceLive {
  readonly device: string;
  readonly state: DeviceState;
  /** `undefined`: not since this gateway started. So for all times. */
  readonly lastSeenAtMs: number | undefined;
  readonly lastAckAtMs: number | undefined;
  /** What the device said of itself last: its present, and its backlog. */
  readonly reported: Report | undefined;
  readonly reportedAtMs: number | undefined;
  /** Entries that it had then and that have not arrived since. */
  readonly pending: number;
  /** Entries of its epoch that are in the ledger, as far as this gateway knows. */
  readonly arrived: number;
  /** How far its wall clock was ahead of this gateway's when they were compared last. */
  readonly clockAheadMs: number | undefined;
  /** Messages that were not taken. */
  readonly refusals: number;
  /** The last reason for that. */
  readonly refusal: { readonly code: string; readonly why: string } | undefined;
}

export interface LiveLimits {
  /** A device that was not heard for this long is offline. */
  readonly offlineAfterMs: number;
  /** A backlog without any progress for this long is stuck. */
  readonly stuckAfterMs: number;
}

export function liveOf(session: Session, nowMs: number, limits: LiveLimits): DeviceLive {
  const { device, reported, refusals, refusal } = session;
  return {
    device,
    state: stateOf(session, nowMs, limits),
    lastSeenAtMs: timeOf(session.lastSeenAtMs),
    lastAckAtMs: timeOf(session.lastAckAtMs),
    reported,
    reportedAtMs: timeOf(session.reportedAtMs),
    pending: pendingOf(session),
    arrived: session.watermarks.reduce((sum, each) => sum + each, 0),
    clockAheadMs: session.clockAheadMs,
    refusals,
    refusal,
  };
}

function timeOf(atMs: number): number | undefined {
  return atMs === 0 ? undefined : atMs;
}

function stateOf(session: Session, nowMs: number, limits: LiveLimits): DeviceState {
  if (nowMs < session.incarnations.shownUntilMs) return 'conflict';
  if (session.lastSeenAtMs === 0 || nowMs - session.lastSeenAtMs > limits.offlineAfterMs) {
    return session.watermarks.every((watermark) => watermark === 0) ? 'new' : 'offline';
  }
  if (session.brokenLanes.length > 0) return 'stuck';
  if (!isBehind(session)) return 'synced';
  const movedAtMs = Math.max(session.lastAckAtMs, session.greetedAtMs, session.behindSinceMs);
  return nowMs - movedAtMs > limits.stuckAfterMs ? 'stuck' : 'syncing';
}

/** Whether the device said of itself that it has entries which are not in the ledger yet. */
export function isBehind(session: Session): boolean {
  return pendingOf(session) > 0;
}

/** Whether more of the lane is to come than what happens now; what is urgent always does. */
export function isDraining(session: Session, lane: Lane): boolean {
  return lane !== 'urgent' && pendingIn(session, lane) > 0;
}

function pendingOf(session: Session): number {
  return lanes.reduce((sum, lane) => sum + pendingIn(session, lane), 0);
}

function pendingIn({ reported, watermarks }: Session, lane: Lane): number {
  const index = laneIndex(lane);
  return Math.max(0, (reported?.lanes[index].head ?? 0) - watermarks[index]);
}
