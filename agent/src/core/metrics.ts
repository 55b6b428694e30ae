import type { Tallied, TallyName } from './tally.ts';
import type { SyncTimesView } from './sync-times.ts';
import type { StatusView } from './views.ts';

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly values: readonly Tallied[];
}

/** What an agent measures besides its status. */
export interface MetricParts {
  readonly status: StatusView;
  readonly tally: Readonly<Record<TallyName, readonly Tallied[]>>;
  readonly labels: { readonly version: string; readonly protocol: string; readonly node: string };
}

/**
 * The agent's metrics in the text format of Prometheus 0.0.4. Ids and seqs are never labels.
 * Counters count since the process started.
 */
export function metricsText(parts: MetricParts): string {
  const lines = metricsOf(parts)
    .filter(({ values }) => values.length > 0)
    .flatMap(({ name, type, help, values }) => {
      const full = `holdfast_${name}`;
      const rows = values.map(({ labels, value }) => `${full}${labelText(labels)} ${value}`);
      return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...rows];
    });
  return `${lines.join('\n')}\n`;
}

function metricsOf({ status, tally, labels }: MetricParts): readonly Metric[] {
  const { link, backlog, runs, schedules } = status;
  const gauge = (name: string, help: string, values: readonly Tallied[]): Metric => {
    return { name, type: 'gauge', help, values };
  };
  const counter = (name: TallyName, help: string): Metric => {
    return { name, type: 'counter', help, values: tally[name] };
  };
  const lanes = (read: (lane: StatusView['backlog']['lanes'][number]) => number) =>
    backlog.lanes.map((lane) => ({ labels: { lane: lane.lane }, value: read(lane) }));
  const isConnected = link.state === 'syncing' || link.state === 'synced';
  const resends = [{ labels: {}, value: link.resends }];
  const isOld = 'When the oldest entry that waits was journaled.';
  return [
    gauge('build_info', 'What runs.', [{ labels, value: 1 }]),
    gauge(
      'journal_head_seq',
      'Highest seq that was journaled.',
      lanes(({ head }) => head),
    ),
    gauge(
      'journal_sent_seq',
      'Highest seq that was sent.',
      lanes(({ sent }) => sent),
    ),
    gauge(
      'journal_acked_seq',
      'Highest seq that the ledger has.',
      lanes(({ acked }) => acked),
    ),
    gauge(
      'backlog_entries',
      'Entries that the ledger lacks.',
      lanes(({ pending }) => pending),
    ),
    gauge(
      'backlog_bytes',
      'Bytes that the ledger lacks.',
      lanes(({ bytes }) => bytes),
    ),
    gauge(
      'backlog_inflight_entries',
      'Entries on their way.',
      lanes(({ sent, acked }) => Math.max(0, sent - acked)),
    ),
    gauge('backlog_oldest_timestamp_seconds', isOld, instant(backlog.oldestAt)),
    gauge('uplink_connected', 'Whether the gateway answers.', [flag(isConnected)]),
    gauge('uplink_stuck', 'Whether the gateway takes nothing.', [flag(link.state === 'stuck')]),
    gauge(
      'uplink_last_ack_timestamp_seconds',
      'When the ledger acknowledged something last.',
      instant(link.lastAckAt),
    ),
    { ...gauge('uplink_retransmits_total', 'Batches sent again.', resends), type: 'counter' },
    ...journalMetrics(status.journal),
    gauge('runs', 'Runs in the store.', byState(runs)),
    gauge('schedules', 'Schedules.', byState(schedules)),
    gauge('problems', 'What status lists as problems.', [
      { labels: {}, value: status.problems.length },
    ]),
    counter('runs_finished_total', 'Histories of runs that have ended.'),
    counter('step_attempts_total', 'Attempts of steps that have ended.'),
    counter('step_seconds_sum', 'Time that attempts took which completed their step.'),
    counter('step_seconds_count', 'Steps that have completed.'),
  ];
}

function journalMetrics(journal: StatusView['journal']): readonly Metric[] {
  const { usedBytes, maxBytes, fileBytes, diskFreeBytes, syncMs } = journal;
  const commits = syncMs === null ? [] : Object.entries(quantiles(syncMs));
  const sizes: readonly (readonly [name: string, help: string, value: number | null])[] = [
    ['store_bytes', 'What the entries that are kept take.', usedBytes],
    ['store_limit_bytes', 'What they may take.', maxBytes],
    ['store_file_bytes', 'What the files of the store take.', fileBytes],
    ['disk_free_bytes', 'What the file system of the store has free.', diskFreeBytes],
  ];
  const gauges = sizes.map(([name, help, value]): Metric => {
    return { name, type: 'gauge', help, values: value === null ? [] : [{ labels: {}, value }] };
  });
  return [
    ...gauges,
    {
      name: 'journal_commit_seconds',
      type: 'gauge',
      help: 'Time that the last 256 commits took.',
      values: commits.map(([quantile, ms]) => ({ labels: { quantile }, value: ms / 1_000 })),
    },
  ];
}

function quantiles({ p50, p99, max }: SyncTimesView): Readonly<Record<string, number>> {
  return { '0.5': p50, '0.99': p99, '1.0': max };
}

function byState(counts: Readonly<Record<string, number>>): readonly Tallied[] {
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

function flag(is: boolean): Tallied {
  return { labels: {}, value: is ? 1 : 0 };
}

/** None where there is no such time. */
function instant(at: string | null): readonly Tallied[] {
  return at === null ? [] : [{ labels: {}, value: Date.parse(at) / 1_000 }];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
