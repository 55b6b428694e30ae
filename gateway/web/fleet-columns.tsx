import { ago, aheadText, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { formatDuration } from '../../protocol/web/format.ts';
import { State } from '../../protocol/web/parts.tsx';
import { isFinal } from '../../protocol/web/shown.ts';
import { Sparkline } from '../../protocol/web/sparkline.tsx';
import type { Column } from '../../protocol/web/table.tsx';
import type { FleetBacklogView } from '../src/core/backlog/backlog-views.ts';
import type { DeviceView } from '../src/core/device-views.ts';
import { deviceAddress } from './runs.tsx';

type CatchUp = FleetBacklogView['catchingUp']['first'][number];

/** A device as the fleet shows it. */
export interface FleetRow extends DeviceView {
  /** How far it is with what it has brought back; `undefined`: it brings nothing, or little. */
  readonly catchUp: CatchUp | undefined;
}

/** Those that need somebody first. */
export const order = [
  ...(['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const),
];

/** Only a device that is there tells how much it holds now; of the others it may be more. */
export function backlogText({ backlog, state }: DeviceView): string {
  if (backlog === null) return '?';
  const isNow = state === 'synced' || state === 'syncing' || state === 'stuck';
  return `${isNow ? '' : '≥ '}${formatCount(backlog.pending)}`;
}

/** Runs that are not over, as reported last. */
export function openRuns({ runs }: DeviceView): number | undefined {
  if (runs === null) return undefined;
  const open = Object.entries(runs).filter(([state]) => !isFinal(state));
  return open.reduce((sum, [, count]) => sum + count, 0);
}

function StateOf({ of: { state, catchUp } }: { readonly of: FleetRow }) {
  const isNeedy = state === 'stuck' || state === 'conflict';
  return (
    <>
      <State of={state} />
      {isNeedy && (
        <>
          {' '}
          <a href="#/attention">why?</a>
        </>
      )}
      {catchUp !== undefined && <span class="aside"> {catchUpText(catchUp)}</span>}
    </>
  );
}

function catchUpText({ pending, peak, leftMs }: CatchUp): string {
  const part = Math.floor(((peak - pending) / Math.max(1, peak)) * 100);
  return `${part} %${leftMs === null ? '' : `, ~${formatDuration(Math.max(1_000, leftMs))}`}`;
}

/** Below, a clock and a link tell the same. */
const CLOCK_OFF_MS = 2_000;

function clockText(aheadMs: number | null): string {
  if (aheadMs === null) return '?';
  return Math.abs(aheadMs) > CLOCK_OFF_MS ? aheadText(aheadMs) : '✓';
}

export const fleetColumns: readonly Column<FleetRow>[] = [
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
  { title: '24 h', cell: ({ peaks }) => peaks && <Sparkline peaks={peaks} />, isWide: true },
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
    title: 'Commands',
    cell: ({ commandsWaiting }) => formatCount(commandsWaiting),
    by: ({ commandsWaiting }) => commandsWaiting,
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
    title: 'Version',
    cell: ({ agentVersion }) => agentVersion ?? '–',
    by: ({ agentVersion }) => agentVersion ?? '',
    isWide: true,
  },
];
