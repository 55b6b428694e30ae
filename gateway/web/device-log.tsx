import { moment, short } from '../../protocol/web/format.ts';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { DeviceBacklogView } from '../src/core/backlog/backlog-views.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import { linesOf, type Line } from './device-lines.ts';

const columns: readonly Column<Line>[] = [
  { title: 'When', cell: ({ at }) => moment(at) },
  { title: 'What', cell: ({ says }) => short(says, 200) },
];

export function DeviceLog(props: {
  readonly of: DeviceDetailView;
  readonly outages: DeviceBacklogView['outages'];
}) {
  return (
    <>
      <Table
        label="What was noticed of this device"
        columns={columns}
        rows={linesOf(props.of, props.outages)}
        keyOf={({ at, says }) => `${at} ${says}`}
        empty="Nothing was noticed yet."
      />
      <p class="empty">
        What its agent logs stays on the device: <code>holdfast logs</code> there, or the page of
        its own.
      </p>
    </>
  );
}
