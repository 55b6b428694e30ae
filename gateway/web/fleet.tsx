import { useRef, useState } from 'preact/hooks';
import type { DeviceView } from '../src/core/device-views.ts';
import { useLive } from './api.ts';
import { deviceAddress } from './runs.tsx';
import { ago, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { ProblemNote, State, Table, Tiles, type Column } from '../../protocol/web/parts.tsx';

/** Those that need somebody first. */
const order = ['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const;

/** Only a device that is there tells how much it holds now; of the others it may be more. */
export function backlogText({ backlog, state }: DeviceView): string {
  if (backlog === null) return '?';
  const isNow = state === 'synced' || state === 'syncing' || state === 'stuck';
  return `${isNow ? '' : '≥ '}${formatCount(backlog.pending)}`;
}

const columns: readonly Column<DeviceView>[] = [
  {
    title: 'Device',
    cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a>,
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

/** More than a person reads; a search finds the others. */
const DEVICES_SHOWN = 200;

export function Fleet() {
  const [state, setState] = useState<string | undefined>();
  const [text, setText] = useState('');
  const query = {
    ...{ order: 'attention', limit: DEVICES_SHOWN } as const,
    search: text === '' ? undefined : text,
    state: order.filter((each) => each === state),
  };
  const { data, problem } = useLive('GET /api/devices', [{ query }]);
  // What was seen last stays while other devices are asked for.
  const known = useRef(data);
  known.current = data ?? known.current;
  const { devices = [], summary } = known.current ?? {};
  const all = summary?.devices ?? 0;
  const fitting = state === undefined ? all : (summary?.states[state] ?? 0);
  // How many a search would find, nobody counts.
  const isMore = text === '' ? fitting > devices.length : devices.length === DEVICES_SHOWN;
  return (
    <>
      <h1>Fleet</h1>
      <ProblemNote problem={problem} />
      <Tiles
        label="Devices by state"
        counts={new Map(Object.entries(summary?.states ?? {}))}
        chosen={state}
        choose={setState}
      />
      <p>
        {formatCount(all)} {all === 1 ? 'device' : 'devices'},{' '}
        {formatCount(summary?.pending ?? 0)} entries that have not arrived, as reported last.
      </p>
      <label class="search">
        Find a device{' '}
        <input
          type="search"
          maxLength={64}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Table
        label="Devices"
        columns={columns}
        rows={devices}
        keyOf={({ device }) => device}
        empty={summary === undefined ? 'Asking…' : 'No device is like this.'}
      />
      {isMore && (
        <p class="empty">
          {formatCount(devices.length)} {text === '' && `of ${formatCount(fitting)} `}are shown,
          those that need somebody first. Find others by their name or state.
        </p>
      )}
    </>
  );
}
