import { formatCount, paint, printable, renderTable, type Cell } from '@holdfast/protocol/base';
import { headline } from '../core/headline.ts';
import type { RunView } from '../core/views.ts';
import { backlogGraph, type Reading } from '@holdfast/protocol/base';
import { fitLine, fitScreen, type ScreenSize } from './fit-screen.ts';
import { journalScreen } from './journal-lines.ts';
import { age, countEntries, linkSign, type Screen } from './link-line.ts';
import { logLine } from './logs.ts';
import { nextText, stateCell } from './run-line.ts';
import { timeline } from './run-timeline.ts';
import { shownRuns, tabs, type Sample, type TopState } from './top-state.ts';
import { runHeader } from './workflow-show.ts';

export interface TopView {
  readonly state: TopState;
  readonly sample: Sample;
  readonly readings: readonly Reading[];
  /** No agent answers; this is what the last one said. */
  readonly isAway: boolean;
}

const OLD = 'What is shown is old. Looking again each second.';
const COLUMNS_MIN = 40;
const ROWS_MIN = 12;
/** A part of the overview, and no less. */
const GRAPH_SHARE = 0.3;
const GRAPH_ROWS_MIN = 2;

const help = `
  1 2 3 4, tab   overview, runs, journal, logs; : and a name does the same
  j k, arrows    another run; page up and page down: ten of them
  enter, d       describe the run, and y: all of it as JSON
  /              only what has this text; esc: all of it again, or back
  A S W          runs by age, state, workflow
  l              the log
  p              hold the screen as it is
  q, ctrl-c      end

  Any key goes back.`;

/** All that is on the screen, a line each. */
export function topScreen(view: TopView, size: ScreenSize, screen: Screen): string {
  if (size.columns < COLUMNS_MIN || size.rows < ROWS_MIN) {
    const least = `${COLUMNS_MIN} by ${ROWS_MIN}`;
    return `The terminal is too small:\nit needs ${least}. q ends.`;
  }
  const head = headLines(view, size, screen);
  const room = { columns: size.columns, rows: size.rows - head.length - 1 };
  const body = bodyLines(view, room, { ...screen, width: size.columns });
  const shown = fitScreen(body.join('\n'), room);
  const blank = Array.from({ length: Math.max(0, room.rows - shown.length) }, () => '');
  return [...head, ...shown, ...blank, footLine(view, screen)].join('\n');
}

function headLines(view: TopView, { columns }: ScreenSize, screen: Screen): string[] {
  const { state, sample } = view;
  const { status } = sample;
  const sign = view.isAway ? awaySign(screen) : linkSign(status.link, screen);
  const device = paint(printable(status.device), 'cyan', screen.color);
  const names = tabs.map((name, index) => {
    const isOpen = name === state.tab && state.shown === undefined;
    return paint(
      `${index + 1} ${isOpen ? name.toUpperCase() : name}`,
      isOpen ? 'bold' : 'dim',
      screen.color,
    );
  });
  const shown =
    state.shown === undefined ? [] : [paint(`> ${state.shown.id}`, 'bold', screen.color)];
  return [
    `${device}  ${sign}  epoch ${status.epoch}`,
    `${headline(status, countEntries(status.backlog.pending, status.backlog.bytes))}.`,
    [...names, ...shown].join('  '),
    '',
  ].map((line) => fitLine(line, columns));
}

/** What was last said of the link may be long over. */
function awaySign({ color }: Screen): string {
  return paint('✗ NO AGENT ANSWERS', 'red', color);
}

function footLine({ state, isAway }: TopView, screen: Screen): string {
  if (state.typing !== undefined) return `${state.typing.sign}${printable(state.typing.text)}▏`;
  if (isAway) return paint(OLD, 'yellow', screen.color);
  const held = state.isPaused ? 'HELD  ' : '';
  const filter = state.filter === '' ? '' : `only ${printable(state.filter)}  `;
  return paint(`${held}${filter}? keys  / only  p hold  q end`, 'dim', screen.color);
}

function bodyLines(view: TopView, room: ScreenSize, screen: Screen): readonly string[] {
  const { state, sample } = view;
  if (state.hasHelp) return help.split('\n');
  if (state.shown !== undefined) return runLines(view, screen).slice(state.scrolled);
  switch (state.tab) {
    case 'overview':
      return overviewLines(view, room, screen);
    case 'runs':
      return runsLines(view, room.rows, screen);
    case 'journal':
      return journalLines(sample, state.filter, room.rows, screen);
    case 'logs':
      return sample.logs.lines
        .map((line) => logLine(line, screen))
        .filter((line) => line.includes(state.filter))
        .slice(-room.rows);
  }
}

function overviewLines(view: TopView, room: ScreenSize, screen: Screen): readonly string[] {
  const graphRows = Math.max(GRAPH_ROWS_MIN, Math.floor(room.rows * GRAPH_SHARE));
  const graph = backlogGraph(view.readings, { columns: room.columns, rows: graphRows });
  // Beside the rows of both tables: a title, and two empty lines.
  const left = room.rows - graphRows - 3;
  const runRows = Math.max(2, Math.ceil(left / 2));
  const above = [
    title(`pending: ${formatCount(view.sample.status.backlog.pending)}`, screen),
    ...graph,
    '',
    ...runsLines(view, runRows, screen),
  ];
  const journalRows = left - runRows;
  if (journalRows < 2) return above;
  return [...above, '', ...journalLines(view.sample, view.state.filter, journalRows, screen)];
}

function title(text: string, screen: Screen): string {
  return paint(text.toUpperCase(), 'dim', screen.color);
}

const columns = [
  { title: '' },
  { title: 'run' },
  { title: 'workflow', drop: 2 },
  { title: 'state' },
  { title: 'at', drop: 3 },
  { title: 'since', align: 'right' as const, drop: 1 },
  { title: 'next', align: 'right' as const, drop: 4 },
];

/** A table of the runs around the one that is selected. */
function runsLines({ state, sample }: TopView, rows: number, screen: Screen): readonly string[] {
  const runs = shownRuns(state, sample.runs.runs);
  if (runs.length === 0) return ['No runs that have not ended.'];
  const selected = Math.min(state.selected, runs.length - 1);
  const room = Math.max(1, rows - 1);
  const first = Math.max(0, Math.min(selected - Math.floor(room / 2), runs.length - room));
  const cells = runs
    .slice(first, first + room)
    .map((run, index) => runCells(run, first + index === selected, screen));
  return renderTable(columns, cells, screen).split('\n');
}

function runCells(run: RunView, isSelected: boolean, screen: Screen): Cell[] {
  return [
    isSelected ? '>' : '',
    { text: run.id, tone: 'cyan' },
    run.workflow,
    stateCell(run.state),
    run.at ?? '-',
    age(run.updatedAt, screen),
    nextText(run, screen),
  ];
}

function journalLines(
  { journal }: Sample,
  filter: string,
  rows: number,
  screen: Screen,
): readonly string[] {
  const meant = journal.rows.filter((row) => `${row.kind} ${row.run} ${row.name}`.includes(filter));
  return journalScreen(meant.slice(-Math.max(1, rows - 1)), screen).split('\n');
}

function runLines({ state, sample: { run } }: TopView, screen: Screen): readonly string[] {
  if (run === undefined) return ['It is being looked at.'];
  if (state.shown?.raw === true) return printableLines(JSON.stringify(run, undefined, 2));
  return `${runHeader(run, screen)}\n\n${timeline(run, screen)}`.split('\n');
}

function printableLines(text: string): readonly string[] {
  return text.split('\n').map(printable);
}
