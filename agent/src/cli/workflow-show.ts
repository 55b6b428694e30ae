import {
  formatCount,
  paint,
  printable,
  renderTable,
  wrapLine,
  type Cell,
  type Column,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { finalStates } from '../core/views.ts';
import type { ErrorView, HistoryRow, LastError, RunDetailView } from '../core/views.ts';
import { clockLegend } from './clock-marks.ts';
import { age, type Screen } from './link-line.ts';
import { formatOption, type Format } from './output-format.ts';
import { nextText, stateText, valueText } from './run-line.ts';
import { sinceStart, timeline } from './run-timeline.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, withAgent, withRun, type TargetFlags } from './target.ts';
import { watchAgain, watchInterval, watchOption, type WatchFlag } from './watch.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly entries?: true;
  readonly reveal?: true;
  readonly watch?: WatchFlag;
}

const about = `
One line for each operation, in the order the code began them; --entries has one for each
entry of the journal. SYNC shows what the gateway has acknowledged (✓) and what waits on this
device (◌). With --watch it is shown anew until the run has ended, into a pipe as a line of JSON
each time. Values that are marked local or redacted are shown as they leave the device;
--reveal shows all of them.

Examples:
  holdfast workflow show order-1009
  holdfast workflow show order-1009 --entries
  holdfast workflow show order-1009 --watch
  holdfast workflow show order-1009 -o json | jq .lastError
`;

export function addWorkflowShow(parent: Command, shell: Shell): void {
  addTarget(parent.command('show'))
    .description('Show a run: what it does, waits for, has met and done.')
    .argument('<run>', 'id of the run')
    .option('--entries', 'each entry of its history')
    .option('--reveal', 'show what is marked local or redacted, too')
    .addOption(formatOption())
    .addOption(watchOption())
    .addHelpText('after', about)
    .action(async (named: string, flags: Flags) => {
      if (flags.watch !== undefined) {
        return watchRun(shell, named, { flags, intervalMs: watchInterval(flags.watch) });
      }
      const run = await readAgent(shell, flags, (agent) =>
        withRun(agent, named, (id) => agent.run(id, flags)),
      );
      shell.print(flags.output === 'json' ? JSON.stringify(run) : runScreen(run, flags, shell));
    });
}

function runScreen(run: RunDetailView, { entries }: Flags, screen: Screen): string {
  const table = entries === true ? entriesTable : timeline;
  return `${runHeader(run, screen)}\n\n${table(run, screen)}`;
}

/** Until the run has ended. */
function watchRun(
  shell: Shell,
  named: string,
  { flags, intervalMs }: { readonly flags: Flags; readonly intervalMs: number },
): Promise<void> {
  return withAgent(shell, flags, (agent) =>
    watchAgain(
      shell,
      {
        read: () => withRun(agent, named, (id) => agent.run(id, flags)),
        screen: (run) => runScreen(run, flags, shell),
        line: (run) => `${run.updatedAt} ${stateLine(run, shell)}`,
        ended: ({ id, state }) =>
          finalStates.has(state) ? `${printable(id)} is ${state}` : undefined,
      },
      { intervalMs, output: flags.output === 'json' ? 'json' : undefined },
    ),
  );
}

const columns: readonly Column[] = [
  { title: 'seq', align: 'right' },
  { title: '+time', align: 'right', drop: 1 },
  { title: 'kind' },
  { title: 'name' },
  { title: 'try', align: 'right', drop: 3 },
  { title: 'lane', drop: 4 },
  { title: 'sync' },
  { title: 'value', drop: 2, cutTo: 16 },
];

/** What there is to say of a run besides its history. */
export function runHeader(run: RunDetailView, screen: Screen): string {
  const lines = [
    `${paint(printable(run.id), 'cyan', screen.color)}  ${printable(run.workflow)} v${run.version}`,
  ];
  const add = (name: string, text: string): void => {
    const line = `${paint(name.padEnd(7), 'dim', screen.color)} ${text}`;
    lines.push(wrapLine(line, screen.width, 8));
  };
  add('state', stateLine(run, screen));
  if (run.waitsFor !== null) add('waits', `for ${printable(run.waitsFor)}${dueText(run, screen)}`);
  if (run.error !== undefined) add('error', paint(errorText(run.error), 'red', screen.color));
  if (run.lastError !== null) add('last', lastText(run.lastError, screen));
  add('started', `${run.startedAt} (${age(run.startedAt, screen)} ago)`);
  add('input', valueText(run.input));
  if (run.status !== null && run.status !== undefined) add('status', valueText(run.status));
  if (run.output !== undefined) add('output', valueText(run.output));
  return lines.join('\n');
}

function stateLine(run: RunDetailView, screen: Screen): string {
  const parts = [stateText(run.state, screen)];
  if (run.at !== null) parts.push(`at ${printable(run.at)}`);
  if (run.attempt > 0) parts.push(`attempt ${formatCount(run.attempt)}`);
  return parts.join(', ');
}

function dueText(run: RunDetailView, screen: Screen): string {
  const next = nextText(run, screen);
  return next === '-' || run.state === 'paused' ? '' : `, ${next}`;
}

function errorText({ name, message, code }: ErrorView): string {
  const isTold = code === undefined || message.includes(code);
  return printable(`${name}: ${message}${isTold ? '' : ` (${code})`}`);
}

/** `error of authorize-payment, attempt 2, 4 s ago: …` */
function lastText(error: LastError, screen: Screen): string {
  const attempt = error.attempt === 0 ? '' : `, attempt ${formatCount(error.attempt)}`;
  const place = `error of ${printable(error.step)}${attempt}, ${age(error.at, screen)} ago`;
  return `${place}: ${paint(errorText(error), 'red', screen.color)}`;
}

function entriesTable(run: RunDetailView, screen: Screen): string {
  const rows = run.history.map((row) => historyCells(row, run));
  return [renderTable(columns, rows, screen), ...clockLegend(run.history)].join('\n');
}

function historyCells(row: HistoryRow, run: RunDetailView): Cell[] {
  return [
    formatCount(row.seq),
    sinceStart(row, run),
    row.kind,
    row.name ?? '-',
    row.attempt === null ? '-' : formatCount(row.attempt),
    row.lane,
    row.synced ? { text: '✓', tone: 'green' } : { text: '◌', tone: 'dim' },
    row.value === null ? '' : valueText(row.value),
  ];
}
