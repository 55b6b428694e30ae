import {
  backlogGraph,
  countCell,
  formatCount,
  formatDuration,
  type Cell,
  type Column,
  type Reading,
} from '@holdfast/protocol';
import type { Command } from 'commander';
import { readDevice } from '../core/api-query.ts';
import type {
  BacklogPointView,
  DeviceBacklogView,
  FleetBacklogView,
} from '../core/backlog/backlog-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { debugOption, outputOption, sourceOf, withLedger, type CommonOptions } from './options.ts';
import { ago, table } from './tables.ts';
import { createTerminal, show, type Terminal } from './terminal.ts';
import { watch, watchOption, type WatchFlag } from './watch.ts';

type Options = SourceOptions & CommonOptions & { readonly watch?: WatchFlag };

const about = `
What devices have journaled and the ledger does not have, as they reported it last: a device that is
offline may have more. The course is that of the last day, at most since the gateway started.

Examples:
  holdfast-gateway backlog --data-dir ./gateway
  holdfast-gateway backlog pump-017 --data-dir ./gateway
  holdfast-gateway backlog --watch=5s --context prod`;

export function addBacklog(program: Command): void {
  withLedger(sourceOf(program, 'backlog'))
    .description('Show what has not arrived yet, of all devices or of one, over time')
    .argument('[device]', 'of this one')
    .addOption(watchOption())
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', about)
    .action((device: string | undefined, options: Options) => {
      const terminal = createTerminal(options.output);
      if (device === undefined) {
        const read = () => withFleet(options, (fleet) => fleet.fleetBacklog());
        return tell(read, { text: fleetText, terminal, flag: options.watch });
      }
      const id = readDevice(device);
      const read = () => withFleet(options, (fleet) => fleet.deviceBacklog(id));
      return tell(read, { text: deviceText, terminal, flag: options.watch });
    });
}

async function tell<V>(
  read: () => Promise<V>,
  {
    text,
    terminal,
    flag,
  }: {
    readonly text: (view: V, terminal: Terminal) => string;
    readonly terminal: Terminal;
    readonly flag: WatchFlag | undefined;
  },
): Promise<void> {
  if (flag !== undefined) return watch(terminal, flag, { read, text });
  const view = await read();
  show(terminal, view, () => text(view, terminal));
}

const catchUpColumns: readonly Column[] = [
  { title: 'catches up' },
  { title: 'pending', align: 'right' },
  { title: 'of at most', align: 'right', drop: 1 },
  { title: 'since' },
  { title: 'left', align: 'right' },
];

function fleetText(view: FleetBacklogView, terminal: Terminal): string {
  const { catchUpP95Ms, catchingUp, arrivingPerSecond } = view;
  const arriving = `${arrivingPerSecond.toFixed(1)} a second arrive`;
  const pace =
    catchUpP95Ms === null
      ? ''
      : ` 19 of 20 devices caught up within ${formatDuration(catchUpP95Ms)}.`;
  const rows = catchingUp.first.map(({ device, pending, peak, since, leftMs }): Cell[] => [
    { text: device, tone: 'cyan' },
    countCell(pending),
    countCell(peak),
    ago(terminal, since),
    leftMs === null ? '-' : formatDuration(leftMs),
  ]);
  const others = catchingUp.devices - rows.length;
  return [
    `${pendingText(view.points)}; ${arriving}.${pace}`,
    ...courseLines(view, terminal),
    ...(rows.length === 0 ? [] : ['', table(terminal, catchUpColumns, rows)]),
    ...(others > 0 ? [`… and ${formatCount(others)} others`] : []),
  ].join('\n');
}

function deviceText(view: DeviceBacklogView, terminal: Terminal): string {
  const last = view.points.at(-1);
  const isOld = last !== undefined && !last.heard;
  const held = isOld ? ' It is offline, and may have more.' : '';
  return [
    `${view.device}: ${pendingText(view.points)}.${held}`,
    ...courseLines(view, terminal),
  ].join('\n');
}

function pendingText(points: readonly BacklogPointView[]): string {
  const last = points.at(-1);
  if (last === undefined) return 'nothing is known of what is pending';
  const entries = last.pending === 1 ? 'entry' : 'entries';
  return `${formatCount(last.pending)} ${entries} pending, as last reported`;
}

const ROWS = 8;
/** Where nothing says how wide it may be. */
const COLUMNS = 80;
const LABEL_COLUMNS = 11;

function courseLines(
  { points, since, at }: Pick<FleetBacklogView, 'points' | 'since' | 'at'>,
  { width = COLUMNS }: Terminal,
): string[] {
  if (since === null) return ['No gateway runs: the course of it is known while one does.'];
  if (points.length === 0) return ['Its course is kept from now on.'];
  const readings = points.map((point) => ({
    ...{ atMs: Date.parse(point.at), pending: point.pending },
  }));
  const fitting = inColumns(readings, Math.max(1, width - LABEL_COLUMNS));
  const from = points[0]?.at ?? since;
  const span = `${' '.repeat(LABEL_COLUMNS)}${clockText(from)} to ${clockText(at)} UTC`;
  return ['', ...backlogGraph(fitting, { columns: width, rows: ROWS }), span];
}

/** The most of each stretch, so that none is lost. */
function inColumns(readings: readonly Reading[], columns: number): readonly Reading[] {
  const each = Math.ceil(readings.length / columns);
  if (each <= 1) return readings;
  return Array.from({ length: Math.ceil(readings.length / each) }, (_, index) => {
    const stretch = readings.slice(index * each, (index + 1) * each);
    return stretch.reduce((most, one) => (one.pending > most.pending ? one : most));
  });
}

function clockText(at: string): string {
  return at.slice(0, 'yyyy-mm-ddThh:mm'.length).replace('T', ' ');
}
