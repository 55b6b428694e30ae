import { formatCount, formatDuration, renderTable } from '@holdfast/protocol/base';
import type { Cell, Column, Tone } from '@holdfast/protocol/base';
import { finalStates, type HistoryRow, type RunDetailView } from '../core/views.ts';
import { clockLegend, clockMark } from './clock-marks.ts';
import type { Screen } from './link-line.ts';
import { valueText } from './run-line.ts';

const columns: readonly Column[] = [
  { title: 'seq', align: 'right', drop: 4 },
  { title: '+time', align: 'right' },
  { title: '' },
  { title: 'step' },
  { title: 'took', align: 'right', drop: 2 },
  { title: 'try', align: 'right', drop: 3 },
  { title: 'where', drop: 5 },
  { title: 'sync' },
  { title: 'value', drop: 1, cutTo: 16 },
];

/** What a run has done and is doing, an operation a line, as a table without a final line end. */
export function timeline(run: RunDetailView, screen: Screen): string {
  const lines = linesOf(run.history);
  const isOver = finalStates.has(run.state);
  const current = isOver ? undefined : lines.findLast((line) => line.isOpen && isAt(line, run));
  const rows = lines.map((line) => cells(line, run, line === current));
  // What has left nothing in the journal yet is shown all the same.
  if (!isOver && current === undefined && run.at !== null) rows.push(presentCells(run));
  return [renderTable(columns, rows, screen), ...clockLegend(run.history)].join('\n');
}

/** One operation of a run, or something that happened to it. */
interface Line {
  readonly rows: HistoryRow[];
  /** Its outcome is not there yet. */
  isOpen: boolean;
}

function linesOf(history: readonly HistoryRow[]): readonly Line[] {
  const lines: Line[] = [];
  const ofOp = new Map<number, Line>();
  for (const row of history) {
    const isRetry = row.kind === 'run.retried';
    const known = row.op === null ? undefined : ofOp.get(row.op);
    if (known !== undefined && !isRetry) {
      // What comes behind an outcome, as from a step that was skipped while at work, is void.
      if (known.isOpen) known.rows.push(row);
      known.isOpen &&= beginnings.has(row.kind);
      continue;
    }
    if (known !== undefined) known.isOpen = true;
    // A wait has a timer in the journal only if it ends by time: its signal ends it too.
    if (row.kind === 'signal.received') endWait(lines, row);
    const line: Line = { rows: [row], isOpen: !isRetry && beginnings.has(row.kind) };
    lines.push(line);
    if (row.op !== null && !isRetry) ofOp.set(row.op, line);
  }
  return lines;
}

function endWait(lines: readonly Line[], signal: HistoryRow): void {
  const wait = lines.find(({ rows: [first], isOpen }) => isOpen && isWait(first, signal.name));
  if (wait !== undefined) wait.isOpen = false;
}

function isWait(row: HistoryRow | undefined, name: string | null): boolean {
  return row?.kind === 'timer.set' && row.name === name;
}

/** Kinds after which an operation has no outcome yet. */
const beginnings: ReadonlySet<string> = new Set([
  'timer.set',
  'call.requested',
  'child.started',
  'step.started',
  'step.handed',
  'step.retrying',
]);

function isAt({ rows: [first] }: Line, { at }: RunDetailView): boolean {
  return first?.name === at || at?.startsWith(`${first?.name} (`) === true;
}

function cells({ rows, isOpen }: Line, run: RunDetailView, isCurrent: boolean): Cell[] {
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return [];
  const attempt = Math.max(...rows.map((row) => row.attempt ?? 0));
  const took = rows.length > 1 && !isOpen ? Date.parse(last.at) - Date.parse(first.at) : null;
  const tookMs = last.tookMs ?? took;
  return [
    formatCount(last.seq),
    sinceStart(first, run),
    signOf(last.kind, isOpen),
    labelOf(first),
    tookMs === null ? '-' : formatDuration(Math.max(0, tookMs)),
    attempt === 0 ? '-' : formatCount(attempt),
    first.kind.startsWith('call.') ? 'gateway' : 'device',
    rows.every((row) => row.synced) ? { text: '✓', tone: 'green' } : { text: '◌', tone: 'dim' },
    isCurrent && run.waitsFor !== null ? `waits for ${run.waitsFor}` : outcomeText(last),
  ];
}

/** How long after the first entry of its run one was journaled. */
export function sinceStart(row: HistoryRow, run: RunDetailView): string {
  const began = run.history[0]?.at ?? run.startedAt;
  return formatDuration(Math.max(0, Date.parse(row.at) - Date.parse(began))) + clockMark(row);
}

function presentCells(run: RunDetailView): Cell[] {
  const attempt = run.attempt === 0 ? '-' : formatCount(run.attempt);
  const text = run.waitsFor === null ? 'at work' : `waits for ${run.waitsFor}`;
  return ['', '', signOf(run.state, true), run.at ?? '', '-', attempt, 'device', '', text];
}

/** By the end of a kind of entry, or a state. */
const signs: readonly (readonly [end: string, sign: string, tone: Tone | undefined])[] = [
  ['retrying', '↻', 'yellow'],
  ['failed', '✗', 'red'],
  ['stuck', '!', 'red'],
  ['unreadable', '!', 'red'],
  ['cancelled', 'x', 'dim'],
  ['.requested', '⧖', 'dim'],
  ['paused', '⧖', 'dim'],
  ['running', '▷', undefined],
];

function signOf(kind: string, isOpen: boolean): Cell {
  const [, text, tone] = signs.find(([end]) => kind.endsWith(end)) ?? [];
  if (text !== undefined) return tone === undefined ? text : { text, tone };
  return isOpen ? { text: '⧖', tone: 'dim' } : { text: '✓', tone: 'green' };
}

const nouns: Readonly<Record<string, string>> = {
  call: 'call',
  child: 'child',
  event: 'event',
  patch: 'patch',
  signal: 'signal',
};

function labelOf({ kind, name }: HistoryRow): string {
  if (name === null) return kind;
  const noun = nouns[kind.slice(0, kind.indexOf('.'))];
  return noun === undefined ? name : `${name} (${noun})`;
}

/** What the header says already is not said again. */
const told: ReadonlySet<string> = new Set(['run.started', 'run.completed', 'run.failed']);

function outcomeText({ kind, value }: HistoryRow): string {
  return value === null || told.has(kind) ? '' : valueText(value);
}
