import { lanes } from '@holdfast/protocol';
import type { DeviceView, LaneView, ReportedBacklog } from './device-views.ts';
import { rfc3339 } from './entry-view.ts';
import { tagsView } from './fleet-commands.ts';
import type { DeviceRecord } from './ledger.ts';
import type { DeviceLive } from './live.ts';

/** What is known of a device. */
export interface KnownDevice {
  readonly record: DeviceRecord;
  /** `undefined`: it was not heard of since the gateway started, or none runs. */
  readonly live: DeviceLive | undefined;
  readonly state: DeviceView['state'];
}

/** All that is told of a device. */
export function deviceView({ record, live, state }: KnownDevice): DeviceView {
  const reported = live?.reported;
  return {
    device: record.device,
    state,
    epoch: record.epoch,
    began: { at: rfc3339(record.began.atMs), cause: record.began.cause || null },
    firstSeenAt: rfc3339(record.firstSeenAtMs),
    lastSeenAt: rfc3339(live?.lastSeenAtMs),
    lastAckAt: rfc3339(live?.lastAckAtMs),
    agentVersion: reported?.agentVersion ?? null,
    entries: record.lanes.reduce((sum, { watermark }) => sum + watermark, -record.holes.entries),
    holes: record.holes,
    lanes: laneViews(record, reported),
    backlog: live === undefined ? null : reportedBacklog(record, live),
    clockAheadMs: live?.clockAheadMs ?? null,
    runs:
      reported === undefined
        ? null
        : Object.fromEntries(reported.runs.map((each) => [each.state, each.count])),
    refusals: live?.refusals ?? 0,
    refusal: live?.refusal ?? null,
    lastCommand: record.lastCommand,
    commandsWaiting: Math.max(0, record.lastCommand - record.lastReceipt),
    peaks: null,
    tags: tagsView(record.tags),
  };
}

/** What it had reported of another epoch is of other entries. */
function laneViews(record: DeviceRecord, reported: DeviceLive['reported']): readonly LaneView[] {
  const told = reported?.epoch === record.epoch ? reported.lanes : [];
  return lanes.map((lane, index) => {
    const { head = null, acked = null } = told[index] ?? {};
    return { lane, watermark: record.lanes[index]?.watermark ?? 0, head, acked };
  });
}

function reportedBacklog(record: DeviceRecord, live: DeviceLive): ReportedBacklog | null {
  const reportedAt = rfc3339(live.reportedAtMs);
  if (live.reported === undefined || reportedAt === null) return null;
  const { pending, bytes, oldestAtMs } = missingOf(record, live);
  return { pending, bytes, oldestAt: rfc3339(oldestAtMs), reportedAt };
}

/**
 * What the device had when it reported, less what has arrived since: so that a report that is a
 * few seconds old does not show a backlog that is gone.
 */
function missingOf(record: DeviceRecord, { reported }: DeviceLive) {
  let [pending, bytes] = [0, 0];
  let oldestAtMs = Number.POSITIVE_INFINITY;
  reported?.lanes.forEach((lane, index) => {
    const watermark = reported.epoch === record.epoch ? record.lanes[index]?.watermark : undefined;
    const missing = Math.max(0, lane.head - Math.max(lane.acked, watermark ?? 0));
    if (missing === 0) return;
    pending += missing;
    bytes += lane.backlogBytes;
    if (lane.oldestAtMs > 0) oldestAtMs = Math.min(oldestAtMs, lane.oldestAtMs);
  });
  return { pending, bytes, oldestAtMs };
}
