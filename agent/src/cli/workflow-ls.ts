import {
  countCell,
  durationMs,
  formatCount,
  HoldfastError,
  isTableAlone,
  printable,
  renderTable,
  type Cell,
  type Column,
  type TableFlags,
} from '@holdfast/protocol/base';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RunsQuery } from '../core/run-list.ts';
import type { AgentReader } from '../core/surface.ts';
import { finalStates, runStates } from '../core/views.ts';
import type { RunState, RunsView, RunView } from '../core/views.ts';
import { integerOption } from './integer-option.ts';
import { age, type Screen } from './link-line.ts';
import { isJson, tableFormatOption, type TableFormat } from './output-format.ts';
import { nextText, stateCell, valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTable, withTable } from './table-options.ts';
import { addTarget, readAgent, withAgent, type TargetFlags } from './target.ts';
import { watchAgain, watchedFormat, watchInterval, watchOption, type WatchFlag } from './watch.ts';

interface Flags extends TargetFlags, TableFlags {
  readonly output?: TableFormat;
  readonly watch?: WatchFlag;
  readonly all?: true;
  readonly state?: readonly RunState[];
  readonly workflow?: string;
  readonly prefix?: string;
  readonly query?: string;
  readonly stuck?: true;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly cursor?: string;
}

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 10_000;

const about = `
Newest first. SYNCED is how many of its entries the gateway has, of how many; the last column is
what the workflow says of itself with ctx.setStatus. Where there are more, the last line, and "next"
in JSON, has the cursor to go on with: runs that come or end meanwhile move none of the others.

-q asks for runs that fit an expression: = != < <= > >= with and, or, not and parentheses; in a text
* stands for any characters. Its fields are run, workflow, version, state, at, try, status, and the
durations age (since it started), since (since it changed) and next (until it goes on).

A time is one such as 2026-05-04T03:02:01Z, or how long ago, such as 2h.

Examples:
  holdfast workflow ls
  holdfast workflow ls --state failed,stuck --since 2d
  holdfast workflow ls -q 'workflow=checkout and state=stuck'
  holdfast workflow ls -q 'try>3 or (state=sleeping and since>1d)'
  holdfast workflow ls --columns run,state --sort -since --no-header
  holdfast workflow ls --watch
  holdfast workflow ls --all --workflow checkout --prefix order- --limit 20 -o json
`;

export function addWorkflowLs(parent: Command, shell: Shell): void {
  addTable(addTarget(parent.command('ls')))
    .description('List runs that have not ended.')
    .option('--all', 'those that have ended, too')
    .addOption(
      new Option('--state <states>', 'in one of these states, with commas').argParser(asStates),
    )
    .option('--stuck', 'those that need a person')
    .option('-q, --query <expression>', 'that fit it, such as state=retrying and try>3')
    .option('--workflow <name>', 'of this workflow')
    .option('--prefix <text>', 'whose ids begin like this')
    .option('--since <time>', 'started at this time or after it')
    .option('--until <time>', 'started before this time')
    .addOption(
      integerOption('--limit <n>', 'at most that many', { min: 1, max: LIMIT_MAX }).default(
        LIMIT_DEFAULT,
      ),
    )
    .option('--cursor <cursor>', 'go on behind an earlier list')
    .addOption(tableFormatOption())
    .addOption(watchOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const screen = withTable(shell, flags);
      if (flags.watch !== undefined) return watchRuns(shell, flags, watchInterval(flags.watch));
      const query = queryOf(flags, shell.nowMs());
      const view = await readAgent(shell, flags, (agent) => readRuns(agent, query));
      shell.print(isJson(flags.output) ? JSON.stringify(view) : runsScreen(view, screen));
    });
}

function watchRuns(shell: Shell, flags: Flags, intervalMs: number): Promise<void> {
  const screen = withTable(shell, flags);
  return withAgent(shell, flags, (agent) =>
    watchAgain(
      shell,
      {
        read: () => readRuns(agent, queryOf(flags, shell.nowMs())),
        screen: (view) => runsScreen(view, screen),
        line: (view) => runsScreen(view, screen).split('\n').at(-1) ?? '',
      },
      { intervalMs, output: watchedFormat(flags.output) },
    ),
  );
}

function asStates(text: string): readonly RunState[] {
  return text.split(',').map((each) => {
    const state = runStates.find((known) => known === each);
    if (state !== undefined) return state;
    throw new InvalidArgumentError(`The states are ${runStates.join(', ')}.`);
  });
}

function queryOf(flags: Flags, nowMs: number): RunsQuery {
  const { all, state, stuck, workflow, prefix, query: q, since, until, limit, cursor } = flags;
  if (stuck === true && state !== undefined) {
    throw new HoldfastError('HF_USAGE', { why: '--stuck and --state contradict each other' });
  }
  const states = stuck === true ? (['stuck'] as const) : state;
  const sinceMs = since === undefined ? undefined : instant('--since', since, nowMs);
  const untilMs = until === undefined ? undefined : instant('--until', until, nowMs);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    const why = '--since is not before --until: no run started between them';
    throw new HoldfastError('HF_USAGE', { why });
  }
  const picked = { all: all === true, states, workflow, prefix, q, limit, cursor };
  return { ...picked, synced: true, sinceMs, untilMs };
}

/** A time, or how long ago it was. */
function instant(option: string, text: string, nowMs: number): number {
  const atMs = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  try {
    return nowMs - durationMs(text);
  } catch {
    const why = `${option} ${text} is neither a time such as 2026-05-04T03:02:01Z nor as 2h`;
    throw new HoldfastError('HF_USAGE', { why });
  }
}

/** A page may be short though there is more: then the next one is read too. */
async function readRuns(agent: AgentReader, query: RunsQuery): Promise<RunsView> {
  let view = await agent.runs(query);
  while (view.next !== null && view.runs.length < query.limit) {
    const limit = query.limit - view.runs.length;
    const more = await agent.runs({ ...query, limit, cursor: view.next });
    view = { ...more, runs: [...view.runs, ...more.runs] };
  }
  return view;
}

const columns: readonly Column[] = [
  { title: 'run' },
  { title: 'workflow', drop: 3 },
  { title: 'state' },
  { title: 'at', drop: 4 },
  { title: 'try', align: 'right', drop: 6 },
  { title: 'since', align: 'right', drop: 1 },
  { title: 'next', align: 'right', drop: 5 },
  { title: 'synced', align: 'right', drop: 7 },
  { title: 'status', drop: 2, cutTo: 16 },
];

/** Runs as a table with a count below, without a final line end. */
export function runsScreen({ runs, next }: RunsView, screen: Screen): string {
  const isAlone = isTableAlone(screen.table);
  if (runs.length === 0 && !isAlone) {
    return 'No runs. `holdfast start WORKFLOW --input JSON` starts one.';
  }
  const rows = runs.map((run): Cell[] => [
    { text: run.id, tone: 'cyan' },
    run.workflow,
    stateCell(run.state),
    run.at ?? '-',
    run.attempt === 0 ? '-' : countCell(run.attempt),
    { text: age(run.updatedAt, screen), at: run.updatedAt },
    { text: nextText(run, screen), at: finalStates.has(run.state) ? null : run.nextAt },
    syncedText(run),
    statusText(run),
  ]);
  const text = renderTable(columns, rows, screen);
  if (isAlone) return text;
  const stuck = runs.filter((run) => run.state === 'stuck');
  const foot = [`${formatCount(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}`];
  const [first] = stuck;
  if (first !== undefined) {
    foot.push(`${formatCount(stuck.length)} stuck: see workflow show ${printable(first.id)}`);
  }
  if (next !== null) foot.push(`more with --cursor ${next}`);
  return `${text}\n${foot.join(' · ')}`;
}

/** How many of its entries the gateway has, of how many. */
function syncedText({ synced }: RunView): string {
  return synced === undefined ? '-' : `${formatCount(synced.acked)}/${formatCount(synced.entries)}`;
}

function statusText({ status }: RunView): string {
  return status === null || status === undefined ? '-' : valueText(status);
}
