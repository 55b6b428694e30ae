import { formatCount, renderTable, type Cell, type Column } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { RunsView, RunView } from '../core/views.ts';
import { integerOption } from './integer-option.ts';
import { age, type Screen } from './link-line.ts';
import { formatOption, type Format } from './output-format.ts';
import { nextText, stateCell, valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly all?: true;
  readonly limit: number;
}

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 10_000;

const about = `
Newest first. The last column is what the workflow says of itself with ctx.setStatus.

Examples:
  holdfast workflow ls
  holdfast workflow ls --all --limit 20 -o json
`;

export function addWorkflowLs(parent: Command, shell: Shell): void {
  addTarget(parent.command('ls'))
    .description('List runs that have not ended.')
    .option('--all', 'those that have ended, too')
    .addOption(
      integerOption('--limit <n>', 'at most that many', { min: 1, max: LIMIT_MAX }).default(
        LIMIT_DEFAULT,
      ),
    )
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const query = { all: flags.all === true, limit: flags.limit };
      const view = await readAgent(shell, flags, (agent) => agent.runs(query));
      shell.print(flags.output === 'json' ? JSON.stringify(view) : runsScreen(view, shell));
    });
}

const columns: readonly Column[] = [
  { title: 'run' },
  { title: 'workflow', drop: 3 },
  { title: 'state' },
  { title: 'at', drop: 4 },
  { title: 'try', align: 'right', drop: 6 },
  { title: 'since', align: 'right', drop: 1 },
  { title: 'next', align: 'right', drop: 5 },
  { title: 'status', drop: 2 },
];

/** Runs as a table with a count below, without a final line end. */
export function runsScreen({ runs }: RunsView, screen: Screen): string {
  if (runs.length === 0) return 'No runs. `holdfast start WORKFLOW --input JSON` starts one.';
  const rows = runs.map((run): Cell[] => [
    { text: run.id, tone: 'cyan' },
    run.workflow,
    stateCell(run.state),
    run.at ?? '-',
    run.attempt === 0 ? '-' : formatCount(run.attempt),
    age(run.updatedAt, screen),
    nextText(run, screen),
    statusText(run),
  ]);
  const stuck = runs.filter((run) => run.state === 'stuck').length;
  const count = `${formatCount(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}`;
  const foot = stuck === 0 ? count : `${count} · ${formatCount(stuck)} stuck`;
  return `${renderTable(columns, rows, screen)}\n${foot}`;
}

function statusText({ status }: RunView): string {
  return status === null || status === undefined ? '-' : valueText(status);
}
