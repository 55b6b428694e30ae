import {
  bytesCell,
  countCell,
  formatCount,
  isTableAlone,
  laneIndex,
  type Cell,
  type Column,
} from '@holdfast/protocol';
import type { EntriesView, EntryView, HoleView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage, type EntriesOptions } from './options.ts';
import { below, brief, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

export async function ledgerEntries(
  options: EntriesOptions & SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const { device, epoch, lane, after, limit } = options;
  if (after !== undefined && lane === undefined) {
    throw usage('--after needs --lane: each lane counts for itself');
  }
  const query = { device, epoch, lane, after, limit };
  const view = await withFleet(options, (fleet) => fleet.entries(query));
  show(terminal, view, () => entriesText(view, terminal));
}

export const columns: readonly Column[] = [
  { title: 'lane' },
  { title: 'seq', align: 'right' },
  { title: 'time', drop: 3 },
  { title: 'kind' },
  { title: 'run', drop: 1 },
  { title: 'name', drop: 2 },
  { title: 'size', align: 'right', drop: 4 },
  { title: 'value', drop: 5, cutTo: 12 },
];

const VALUE_LENGTH = 60;

function entriesText(view: EntriesView, terminal: Terminal): string {
  const rows = [
    ...view.entries.map((entry) => ({ lane: entry.lane, seq: entry.seq, cells: entryRow(entry) })),
    ...view.holes.map((hole) => ({ lane: hole.lane, seq: hole.seqFirst, cells: holeRow(hole) })),
  ].toSorted((a, b) => laneIndex(a.lane) - laneIndex(b.lane) || a.seq - b.seq);
  if (rows.length === 0 && !isTableAlone(terminal.table)) {
    return `No entries of ${view.device} in epoch ${view.epoch}.`;
  }
  const cells = rows.map((row) => row.cells);
  const more = view.next.map(({ lane, after }) => {
    return `More of ${lane}: add --lane ${lane} --after ${after}`;
  });
  const foot = below(terminal, [...legend(view.entries), ...more]);
  return [table(terminal, columns, cells), ...foot].join('\n');
}

export function entryRow(entry: EntryView): Cell[] {
  const text = (field: string) => {
    const value = entry[field];
    return typeof value === 'string' && value !== '' ? value : '-';
  };
  return [
    entry.lane,
    countCell(entry.seq),
    { text: timeText(text('at'), entry['clock']), at: atOf(entry) },
    entry.kind ?? 'of a newer version',
    text('run'),
    entry['workflow'] === undefined ? text('name') : text('workflow'),
    bytesCell(entry.bytes),
    brief(valueOf(entry), VALUE_LENGTH),
  ];
}

function atOf({ at }: EntryView): string | undefined {
  return typeof at === 'string' && at !== '' ? at : undefined;
}

/** What stands where entries will never come. */
function holeRow(hole: HoleView): Cell[] {
  const { lane, seqFirst, seqLast, reason, firstAt, bytes } = hole;
  const count = seqLast - seqFirst + 1;
  return [
    lane,
    count === 1 ? formatCount(seqFirst) : `${formatCount(seqFirst)}-${formatCount(seqLast)}`,
    (firstAt ?? '-').slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' '),
    'hole',
    '-',
    reason,
    bytes === 0 ? '-' : bytesCell(bytes),
    count === 1 ? '1 entry will never come' : `${formatCount(count)} entries will never come`,
  ];
}

/** Marks of times that are not simply those of the device. */
const marks: Readonly<Record<string, string>> = { corrected: ' *', unsynced: ' ?' };

function timeText(at: string, clock: unknown): string {
  const time = at.slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' ');
  return `${time}${marks[String(clock)] ?? ''}`;
}

/** What the marks mean, for those that are there. */
function legend(entries: readonly EntryView[]): string[] {
  const has = (clock: string) => entries.some((entry) => entry['clock'] === clock);
  return [
    ...(has('corrected') ? ['*: corrected; the clock of the device was wrong.'] : []),
    ...(has('unsynced') ? ['?: by the clock of the device, which could not be compared.'] : []),
  ];
}

/** An entry has one value at most. */
function valueOf(entry: EntryView): unknown {
  const fields = ['input', 'output', 'result', 'payload', 'status', 'error'];
  const field = fields.find((each) => entry[each] !== undefined);
  return field === undefined ? null : entry[field];
}
