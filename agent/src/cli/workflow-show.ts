import { formatCount, formatDuration, renderTable, paint, printable } from '@holdfast/protocol';
import type { Cell, Column } from '@holdfast/protocol';
import type { Command } from 'commander';
import type { HistoryRow, RunDetailView } from '../core/views.ts';
import { age, type Screen } from './link-line.ts';
import { formatOption, type Format } from './output-format.ts';
import { nextText, stateText, valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

const about = `
SYNC shows what the gateway has acknowledged (✓) and what waits on this device (◌).

Examples:
  holdfast workflow show order-1009
  holdfast workflow show order-1009 -o json | jq .history
`;

export function addWorkflowShow(parent: Command, shell: Shell): void {
  addTarget(parent.command('show'))
    .description('Show a run: its state, input, history and result.')
    .argument('<run>', 'id of the run')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (id: string, flags: TargetFlags & { readonly output: Format }) => {
      const run = await readAgent(shell, flags, (agent) => agent.run(id));
      shell.print(flags.output === 'json' ? JSON.stringify(run) : runScreen(run, shell));
    });
}

const columns: readonly Column[] = [
  { title: 'seq', align: 'right' },
  { title: '+time', align: 'right', drop: 1 },
  { title: 'kind' },
  { title: 'name' },
  { title: 'try', align: 'right', drop: 3 },
  { title: 'lane', drop: 4 },
  { title: 'sync' },
  { title: 'value', drop: 2 },
];

/** A run and its history, without a final line end. */
export function runScreen(run: RunDetailView, screen: Screen): string {
  const label = (name: string) => paint(name.padEnd(7), 'dim', screen.color);
  const lines = [
    `${paint(printable(run.id), 'cyan', screen.color)}  ${printable(run.workflow)} v${run.version}`,
    `${label('state')} ${stateLine(run, screen)}`,
    `${label('started')} ${run.startedAt} (${age(run.startedAt, screen)} ago)`,
    `${label('input')} ${valueText(run.input)}`,
  ];
  if (run.status !== null && run.status !== undefined) {
    lines.push(`${label('status')} ${valueText(run.status)}`);
  }
  if (run.output !== undefined) lines.push(`${label('output')} ${valueText(run.output)}`);
  if (run.error !== undefined) {
    const code = run.error.code === undefined ? '' : ` (${run.error.code})`;
    const text = printable(`${run.error.name}: ${run.error.message}${code}`);
    lines.push(`${label('error')} ${paint(text, 'red', screen.color)}`);
  }
  const rows = run.history.map((row) => historyCells(row, run));
  return [...lines, '', renderTable(columns, rows, screen)].join('\n');
}

function stateLine(run: RunDetailView, screen: Screen): string {
  const parts = [stateText(run.state, screen)];
  if (run.at !== null) parts.push(`at ${printable(run.at)}`);
  if (run.attempt > 0) parts.push(`attempt ${formatCount(run.attempt)}`);
  const next = nextText(run, screen);
  if (next !== '-') parts.push(`goes on ${next}`);
  return parts.join(', ');
}

function historyCells(row: HistoryRow, run: RunDetailView): Cell[] {
  const sinceStart = Math.max(0, Date.parse(row.at) - Date.parse(run.startedAt));
  return [
    formatCount(row.seq),
    formatDuration(sinceStart),
    row.kind,
    row.name ?? '-',
    row.attempt === null ? '-' : formatCount(row.attempt),
    row.lane,
    row.synced ? { text: '✓', tone: 'green' } : { text: '◌', tone: 'dim' },
    row.value === null ? '' : valueText(row.value),
  ];
}
