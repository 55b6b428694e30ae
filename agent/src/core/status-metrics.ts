import { counter, gauge, single, type Metric, type Tallied } from '@holdfast/protocol';
import type { StatusView } from './views.ts';

/** What status shows, as metrics. */
export function statusMetrics(status: StatusView): readonly Metric[] {
  const { runs, schedules, problems, certificate } = status;
  const isValid = 'Until when the certificate of the device is valid.';
  return [
    ...laneMetrics(status),
    ...linkMetrics(status),
    ...storeMetrics(status),
    gauge('runs', 'Runs in the store.', byState(runs)),
    gauge('schedules', 'Schedules.', byState(schedules)),
    gauge(
      'certificate_expiry_timestamp_seconds',
      isValid,
      instant(certificate?.expiresAt ?? null),
    ),
    gauge('problems', 'What status lists as problems.', single(problems.length)),
  ];
}

function laneMetrics({ backlog }: StatusView): readonly Metric[] {
  type Lane = StatusView['backlog']['lanes'][number];
  const lanes = (read: (lane: Lane) => number): readonly Tallied[] =>
    backlog.lanes.map((lane) => ({ labels: { lane: lane.lane }, value: read(lane) }));
  const isOld = 'When the oldest entry that waits was journaled.';
  const inflight = lanes(({ sent, acked }) => Math.max(0, sent - acked));
  const heads = lanes(({ head }) => head);
  const pending = lanes((lane) => lane.pending);
  const holes = lanes((lane) => lane.holes.entries);
  return [
    gauge('journal_head_seq', 'Highest seq that was journaled.', heads),
    gauge(
      'journal_sent_seq',
      'Highest seq sent in this session.',
      lanes(({ sent }) => sent),
    ),
    gauge(
      'journal_acked_seq',
      'Highest seq that the ledger has.',
      lanes(({ acked }) => acked),
    ),
    gauge('backlog_entries', 'Entries that the ledger lacks.', pending),
    gauge(
      'backlog_bytes',
      'Bytes that the ledger lacks.',
      lanes(({ bytes }) => bytes),
    ),
    gauge('backlog_inflight_entries', 'Entries on their way.', inflight),
    gauge('backlog_hole_entries', 'Entries that will never come, not yet declared.', holes),
    gauge('backlog_oldest_timestamp_seconds', isOld, instant(backlog.oldestAt)),
  ];
}

function linkMetrics({ link, clock }: StatusView): readonly Metric[] {
  const isConnected = link.state === 'syncing' || link.state === 'synced';
  const isAcked = 'When the ledger acknowledged something last.';
  const skew = clock === null ? null : clock.wallAheadMs / 1_000;
  const isAhead = 'How far the wall clock is ahead of what is believed.';
  return [
    gauge('uplink_connected', 'Whether the gateway answers.', flag(isConnected)),
    gauge('uplink_stuck', 'Whether the gateway takes nothing.', flag(link.state === 'stuck')),
    gauge('uplink_last_ack_timestamp_seconds', isAcked, instant(link.lastAckAt)),
    counter('uplink_retransmits_total', 'Batches sent again.', single(link.resends)),
    gauge('clock_skew_seconds', isAhead, single(skew)),
  ];
}

function storeMetrics({ journal }: StatusView): readonly Metric[] {
  const { usedBytes, maxBytes, fileBytes, diskFreeBytes } = journal;
  const isFree = 'What the file system of the store has free.';
  return [
    gauge('store_bytes', 'What the entries that are kept take.', single(usedBytes)),
    gauge('store_limit_bytes', 'What they may take.', single(maxBytes)),
    gauge('store_file_bytes', 'What the files of the store take.', single(fileBytes)),
    gauge('disk_free_bytes', isFree, single(diskFreeBytes)),
  ];
}

function byState(counts: Readonly<Record<string, number>>): readonly Tallied[] {
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

function flag(is: boolean): readonly Tallied[] {
  return single(is ? 1 : 0);
}

/** None where there is no such time. */
function instant(at: string | null): readonly Tallied[] {
  return single(at === null ? null : Date.parse(at) / 1_000);
}
