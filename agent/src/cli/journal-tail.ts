import { setTimeout as pause } from 'node:timers/promises';
import {
  bytesCell,
  countCell,
  isTableAlone,
  lanes,
  renderTable,
  type Cell,
  type Column,
  type Lane,
  type TableFlags,
} from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import type { JournalRow, JournalView } from '../core/views.ts';
import type { AgentReader } from '../core/surface.ts';
import { integerOption } from './integer-option.ts';
import { clockLegend, clockMark } from './clock-marks.ts';
import type { Screen } from './link-line.ts';
import { isJson, tableFormatOption, type TableFormat } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTable, withTable } from './table-options.ts';
import { addTarget, readAgent, withAgent, type TargetFlags } from './target.ts';
import { watchedFormat } from './watch.ts';

interface Flags extends TargetFlags, TableFlags {
  readonly output?: TableFormat;
  readonly follow?: true;
  readonly lane?: Lane;
  readonly lines: number;
}

const LINES_DEFAULT = 20;
const LINES_MAX = 1_000;
const FOLLOW_MS = 250;

const about = `
SYNC shows what the gateway has acknowledged (✓) and what waits on this device (◌).
With -f, or as jsonl, each entry is one line of its own.

Examples:
  holdfast journal tail -n 50
  holdfast journal tail -f --lane urgent
  holdfast journal tail -o jsonl | jq 'select(.kind == "event")'
`;

export function addJournalTail(parent: Command, shell: Shell): void {
  addTable(addTarget(parent.command('tail')))
    .description('Show the newest entries of the journal.')
    .option('-f, --follow', 'go on with those to come')
    .addOption(new Option('--lane <lane>', 'of this lane only').choices(lanes))
    .addOption(
      integerOption('-n, --lines <n>', 'how many', { min: 1, max: LINES_MAX }).default(
        LINES_DEFAULT,
      ),
    )
    .addOption(tableFormatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      if (flags.follow === true) {
        await withAgent(shell, flags, (agent) => follow(agent, shell, flags));
        return;
      }
      const query = { lane: flags.lane, limit: flags.lines };
      const view = await readAgent(shell, flags, (agent) => agent.journal(query));
      printView(view, shell, flags);
    });
}

function printView(view: JournalView, shell: Shell, flags: Flags): void {
  const { output = 'text' } = flags;
  if (output === 'json') shell.print(JSON.stringify(view));
  else if (output === 'jsonl') view.rows.forEach((row) => shell.print(rowJson(row)));
  else shell.print(journalScreen(view.rows, withTable(shell, flags)));
}

function rowJson(row: JournalRow): string {
  return JSON.stringify({ schema: 'holdfast.journal-row/1', ...row });
}

const columns: readonly Column[] = [
  { title: 'lane' },
  { title: 'seq', align: 'right' },
  { title: 'time', drop: 2 },
  { title: 'kind' },
  { title: 'run', drop: 3 },
  { title: 'name', drop: 1 },
  { title: 'size', align: 'right', drop: 5 },
  { title: 'sync' },
  { title: 'value', drop: 4 },
];

/** Entries as a table, without a final line end. */
export function journalScreen(rows: readonly JournalRow[], screen: Screen): string {
  const text = renderTable(columns, rows.map(rowCells), screen);
  if (isTableAlone(screen.table)) return text;
  return rows.length === 0
    ? 'The journal has no entries.'
    : [text, ...clockLegend(rows)].join('\n');
}

function rowCells(row: JournalRow): Cell[] {
  return [
    row.lane,
    countCell(row.seq),
    { text: row.at + clockMark(row), at: row.at },
    row.kind,
    row.run === null ? '-' : { text: row.run, tone: 'cyan' },
    row.name ?? '-',
    bytesCell(row.bytes),
    row.synced
      ? { text: '✓', tone: 'green', raw: 'yes' }
      : { text: '◌', tone: 'dim', raw: 'no' },
    row.value === null ? '' : valueText(row.value),
  ];
}

/** Prints the newest entries, then each one to come, until interrupted. */
async function follow(agent: AgentReader, shell: Shell, flags: Flags): Promise<void> {
  const isText = !isJson(watchedFormat(flags.output));
  const print = (row: JournalRow) => shell.print(isText ? rowLine(row) : rowJson(row));
  const followed = flags.lane === undefined ? lanes : [flags.lane];
  // Heads first: what is journaled between the two looks is then shown, not missed.
  const heads = await agent.backlog();
  const cursors = new Map(heads.lanes.map(({ lane, head }) => [lane, head]));
  const { rows } = await agent.journal({ lane: flags.lane, limit: flags.lines });
  for (const row of rows) advance(cursors, row, print);
  for (;;) {
    const fresh: JournalRow[] = [];
    for (const lane of followed) {
      const after = cursors.get(lane) ?? 0;
      fresh.push(...(await agent.journal({ lane, after, limit: LINES_MAX })).rows);
    }
    fresh.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    for (const row of fresh) advance(cursors, row, print);
    if (fresh.length === 0) await pause(FOLLOW_MS);
  }
}

function advance(
  cursors: Map<Lane, number>,
  row: JournalRow,
  print: (row: JournalRow) => void,
): void {
  print(row);
  cursors.set(row.lane, Math.max(cursors.get(row.lane) ?? 0, row.seq));
}

function rowLine(row: JournalRow): string {
  const value = row.value === null ? '' : `  ${valueText(row.value)}`;
  const position = `${row.lane}/${row.seq}`.padEnd(14);
  const sync = row.synced ? '✓' : '◌';
  const names = `${valueText(row.run ?? '-')}  ${valueText(row.name ?? '-')}`;
  return `${row.at}${clockMark(row)}  ${position} ${sync} ${row.kind.padEnd(16)} ${names}${value}`;
}
