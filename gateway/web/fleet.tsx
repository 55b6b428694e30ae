import { useState } from 'preact/hooks';
import type { DevicesView, DeviceView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { ago, formatBytes, formatCount } from './format.ts';
import { countBy, ProblemNote, State, Table, Tiles, type Column } from './parts.tsx';

/** Those that need somebody first. */
const order = ['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'];

/** Only a device that is there tells how much it holds now; of the others it may be more. */
export function backlogText({ backlog, state }: DeviceView): string {
  if (backlog === null) return '?';
  const isNow = state === 'synced' || state === 'syncing' || state === 'stuck';
  return `${isNow || backlog.pending === 0 ? '' : '≥ '}${formatCount(backlog.pending)}`;
}

const columns: readonly Column<DeviceView>[] = [
  {
    title: 'Device',
    cell: ({ device }) => <a href={`#/devices/${device}`}>{device}</a>,
    by: ({ device }) => device,
  },
  {
    title: 'State',
    cell: ({ state }) => <State of={state} />,
    by: (row) => order.indexOf(row.state),
  },
  {
    title: 'Backlog',
    cell: backlogText,
    by: ({ backlog }) => backlog?.pending ?? -1,
    isNumber: true,
  },
  {
    title: 'As of',
    cell: ({ backlog }) => ago(backlog?.reportedAt),
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Size',
    cell: ({ backlog }) => (backlog === null ? '' : formatBytes(backlog.bytes)),
    by: ({ backlog }) => backlog?.bytes ?? -1,
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Oldest',
    cell: ({ backlog }) => ago(backlog?.oldestAt),
    by: ({ backlog }) => backlog?.oldestAt ?? '~',
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Last seen',
    cell: ({ lastSeenAt }) => ago(lastSeenAt),
    by: ({ lastSeenAt }) => lastSeenAt ?? '',
    isNumber: true,
  },
  {
    title: 'Entries',
    cell: ({ entries }) => formatCount(entries),
    by: ({ entries }) => entries,
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Agent',
    cell: ({ agentVersion }) => agentVersion ?? '–',
    by: ({ agentVersion }) => agentVersion ?? '',
    isWide: true,
  },
];

export function Fleet() {
  const { data, problem } = useLive<DevicesView>('/api/devices');
  const [state, setState] = useState<string | undefined>();
  const [text, setText] = useState('');
  const devices = data?.devices ?? [];
  const counts = new Map(
    [...countBy(devices, (each) => each.state)].toSorted(
      ([a], [b]) => order.indexOf(a) - order.indexOf(b),
    ),
  );
  const rows = devices
    .filter((each) => state === undefined || each.state === state)
    .filter((each) => each.device.includes(text))
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const pending = devices.reduce((sum, { backlog }) => sum + (backlog?.pending ?? 0), 0);
  return (
    <>
      <h1>Fleet</h1>
      <ProblemNote problem={problem} />
      <Tiles label="Devices by state" counts={counts} chosen={state} choose={setState} />
      <p>
        {formatCount(devices.length)} {devices.length === 1 ? 'device' : 'devices'},{' '}
        {formatCount(pending)} entries that have not arrived, as reported last.
      </p>
      <label class="search">
        Find a device{' '}
        <input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
      </label>
      <Table
        label="Devices"
        columns={columns}
        rows={rows}
        keyOf={({ device }) => device}
        empty={data === undefined ? 'Asking…' : 'No device is like this.'}
      />
    </>
  );
}
