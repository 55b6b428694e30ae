import { counter, gauge, single, type Metric } from '@holdfast/protocol';
import type { Lateness } from './lateness.ts';
import type { ReportShed } from './report-shed.ts';

/** Whether a gateway keeps up with its work, and what it leaves where it does not. */
export function overloadMetrics(overload: {
  readonly lateness: Pick<Lateness, 'ms'>;
  readonly shed: Pick<ReportShed, 'count'>;
}): readonly Metric[] {
  const { lateness, shed } = overload;
  return [
    gauge('gateway_late_seconds', 'How late it is with its work', single(lateness.ms / 1_000)),
    counter(
      'gateway_unread_reports_total',
      'Reports of devices that it left, having more to do than it could',
      single(shed.count),
    ),
  ];
}
