import { useRef, useState } from 'preact/hooks';
import { ago, aheadText, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { PageButtons, usePages } from '../../protocol/web/pages.tsx';
import { ProblemNote, State, Tiles } from '../../protocol/web/parts.tsx';
import { isFinal } from '../../protocol/web/shown.ts';
import { Table, unsorted, type Column } from '../../protocol/web/table.tsx';
import type { DeviceView } from '../src/core/device-views.ts';
import { useLive } from './api.ts';
import { FleetBacklog } from './backlog.tsx';
import { tagsOf } from './enrolment-tags.ts';
import { deviceAddress } from './runs.tsx';

/** Those that need somebody first. */
const order = ['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const;

/** Only a device that is there tells how much it holds now; of the others it may be more. */
export function backlogText({ backlog, state }: DeviceView): string {
  if (backlog === null) return '?';
  const isNow = state === 'synced' || state === 'syncing' || state === 'stuck';
  return `${isNow ? '' : '≥ '}${formatCount(backlog.pending)}`;
}

/** Runs that are not over, as reported last. */
function openRuns({ runs }: DeviceView): number | undefined {
  if (runs === null) return undefined;
  const open = Object.entries(runs).filter(([state]) => !isFinal(state));
  return open.reduce((sum, [, count]) => sum + count, 0);
}

function StateOf({ of: { state } }: { readonly of: DeviceView }) {
  const isNeedy = state === 'stuck' || state === 'conflict';
  return (
    <>
      <State of={state} /> {isNeedy && <a href="#/attention">why?</a>}
    </>
  );
}

const columns: readonly Column<DeviceView>[] = [
  {
    title: 'Device',
    cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a>,
    by: ({ device }) => device,
  },
  {
    title: 'State',
    cell: (row) => <StateOf of={row} />,
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
    title: 'Open runs',
    cell: (row) => openRuns(row) ?? '?',
    by: (row) => openRuns(row) ?? -1,
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Clock',
    cell: ({ clockAheadMs }) => clockText(clockAheadMs),
    by: ({ clockAheadMs }) => Math.abs(clockAheadMs ?? -1),
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

/** Below, a clock and a link tell the same. */
const CLOCK_OFF_MS = 2_000;

function clockText(aheadMs: number | null): string {
  if (aheadMs === null) return '?';
  return Math.abs(aheadMs) > CLOCK_OFF_MS ? aheadText(aheadMs) : '✓';
}

const DEVICES_SHOWN = 200;
const orders = [
  ['attention', 'who needs somebody first'],
  ['id', 'by name'],
] as const;
type Order = (typeof orders)[number][0];

interface Filter {
  readonly text: string;
  readonly tags: string;
  readonly order: Order;
}

export function Fleet() {
  const [state, setState] = useState<string | undefined>();
  const [filter, setFilter] = useState<Filter>({ text: '', tags: '', order: 'attention' });
  const pages = usePages();
  const tags = tagsOf(filter.tags);
  const query = {
    ...{ order: filter.order, limit: DEVICES_SHOWN, after: pages.start },
    search: filter.text === '' ? undefined : filter.text,
    tag: tags && Object.entries(tags).map(([name, value]) => `${name}=${value}`),
    state: order.filter((each) => each === state),
  };
  // Tags that are half written are none to ask for.
  const { data, problem } = useLive('GET /api/devices', tags && [{ query }]);
  // What was seen last stays while other devices are asked for.
  const known = useRef(data);
  known.current = data ?? known.current;
  const { devices = [], summary, next = null } = known.current ?? {};
  const change = (changed: Partial<Filter>) => {
    setFilter({ ...filter, ...changed });
    pages.reset();
  };
  const all = summary?.devices ?? 0;
  const fitting = state === undefined ? all : (summary?.states[state] ?? 0);
  // How many a search would find, nobody counts.
  const isNarrowed = filter.text !== '' || Object.keys(tags ?? {}).length > 0;
  const isWhole = pages.back === undefined && next === null && devices.length < DEVICES_SHOWN;
  return (
    <>
      <h1>Fleet</h1>
      <ProblemNote problem={problem} />
      <Tiles
        label="Devices by state"
        counts={new Map(Object.entries(summary?.states ?? {}))}
        chosen={state}
        choose={(chosen) => {
          setState(chosen);
          pages.reset();
        }}
      />
      <FleetBacklog pending={summary?.pending ?? 0} />
      <FilterForm filter={filter} change={change} isWrong={tags === undefined} />
      <p>{summary !== undefined && countText(devices.length, isNarrowed ? undefined : fitting)}</p>
      <Table
        label="Devices"
        columns={isWhole ? columns : unsorted(columns)}
        rows={devices}
        keyOf={({ device }) => device}
        empty={emptyText(known.current === undefined, all)}
      />
      <p class="actions">
        {filter.order === 'id' && !isWhole && <PageButtons pages={pages} next={next} />}
      </p>
    </>
  );
}

/** `fitting`: how many there are, where that is known. */
function countText(shown: number, fitting: number | undefined): string {
  const devices = (count: number) => `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`;
  if (fitting === undefined) return `${devices(shown)} found`;
  return shown >= fitting ? devices(fitting) : `${formatCount(shown)} of ${devices(fitting)}`;
}

function emptyText(isAsking: boolean, all: number): string {
  if (isAsking) return 'Asking…';
  return all === 0
    ? 'No device yet: Enrolment lets one in, and each that is let in is shown here.'
    : 'No device is like this.';
}

function FilterForm(props: {
  readonly filter: Filter;
  readonly change: (changed: Partial<Filter>) => void;
  readonly isWrong: boolean;
}) {
  const { filter, change, isWrong } = props;
  return (
    <form role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        Find a device{' '}
        <input
          type="search"
          maxLength={64}
          value={filter.text}
          onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        />
      </label>
      <label>
        With tags{' '}
        <input
          autocomplete="off"
          placeholder="site=oslo line=2"
          aria-invalid={isWrong}
          value={filter.tags}
          onInput={({ currentTarget }) => change({ tags: currentTarget.value })}
        />
      </label>
      <label>
        Order{' '}
        <select
          value={filter.order}
          onChange={({ currentTarget: { value } }) =>
            change({ order: orders.find(([each]) => each === value)?.[0] ?? 'attention' })
          }
        >
          {orders.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {isWrong && (
        <p class="note watch" role="status">
          Tags are written as site=oslo line=2.
        </p>
      )}
    </form>
  );
}
