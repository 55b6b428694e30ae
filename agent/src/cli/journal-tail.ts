import { setTimeout as pause } from 'node:timers/promises';
import { HoldfastError, lanes, type Lane, type TableFlags } from '@holdfast/protocol/base';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { isWantedRow, type JournalQuery } from '../core/journal-filter.ts';
import type { JournalRow, JournalView } from '../core/views.ts';
import type { AgentReader } from '../core/surface.ts';
import { integerOption } from './integer-option.ts';
import { journalScreen, rowLine } from './journal-lines.ts';
import type { Screen } from './link-line.ts';
import { isJson, tableFormatOption, type TableFormat } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTable, checkNoTable, withTable } from './table-options.ts';
import { addTarget, readAgent, withAgent, withRun, type TargetFlags } from './target.ts';
import { watchedFormat } from './watch.ts';

interface Flags extends TargetFlags, TableFlags {
  readonly output?: TableFormat;
  readonly follow?: true;
  readonly lane?: Lane;
  readonly kind?: readonly string[];
  readonly run?: string;
  readonly unsynced?: true;
  readonly hex?: true;
  readonly lines: number;
}

const LINES_DEFAULT = 20;
const LINES_MAX = 1_000;
const FOLLOW_MS = 250;

const about = `
SYNC shows what the gateway has acknowledged (✓) and what waits on this device (◌).
With -f, or as jsonl, each entry is one line of its own. Of what is narrowed by --kind, --run or
--unsynced, the newest 50,000 entries of each lane are looked through.

Examples:
  holdfast journal tail -n 50
  holdfast journal tail -f --lane urgent
  holdfast journal tail --kind 'step.*,run.failed' --run order-1009
  holdfast journal tail --unsynced --hex -n 3
  holdfast journal tail -o jsonl | jq 'select(.kind == "event.emitted")'
`;

export function addJournalTail(parent: Command, shell: Shell): void {
  addTable(addTarget(parent.command('tail')))
    .description('Show the newest entries of the journal.')
    .option('-f, --follow', 'go on with those to come')
    .addOption(new Option('--lane <lane>', 'of this lane only').choices(lanes))
    .addOption(
      new Option('--kind <kinds>', 'of these kinds, with commas, such as step.*').argParser(
        asKinds,
      ),
    )
    .option('--run <id>', 'of this run, or of the one whose id begins like this')
    .option('--unsynced', 'what the gateway has not acknowledged')
    .option('--hex', 'the bytes of each entry below what they say')
    .addOption(
      integerOption('-n, --lines <n>', 'how many', { min: 1, max: LINES_MAX }).default(
        LINES_DEFAULT,
      ),
    )
    .addOption(tableFormatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const screen = withTable(shell, flags);
      if (flags.follow === true) {
        checkNoTable(flags, '--follow');
        await withAgent(shell, flags, (agent) => follow(agent, shell, flags));
        return;
      }
      const view = await readAgent(shell, flags, async (agent) =>
        agent.journal(await queryOf(agent, flags)),
      );
      printView(view, { shell, screen }, flags);
    });
}

const KINDS_MAX = 32;

function asKinds(text: string): readonly string[] {
  const kinds = text.split(',').map((kind) => kind.trim());
  const isWell = kinds.length <= KINDS_MAX && kinds.every((kind) => /^[a-z.*]{1,40}$/.test(kind));
  if (isWell) return kinds;
  throw new InvalidArgumentError('A kind is like step.completed, or step.* for all of a sort.');
}

async function queryOf(
  agent: Pick<AgentReader, 'runIds'>,
  { lane, kind, run, unsynced, hex, lines }: Flags,
): Promise<JournalQuery> {
  const named = run === undefined ? undefined : await withRun(agent, run, (id) => known(agent, id));
  return { lane, kinds: kind, run: named, unsynced, hex, limit: lines };
}

/** @throws HF_RUN_UNKNOWN */
async function known(agent: Pick<AgentReader, 'runIds'>, id: string): Promise<string> {
  // Of those that begin like it, it is the first.
  const { ids } = await agent.runIds({ prefix: id, limit: 1 });
  if (ids[0] === id) return id;
  throw new HoldfastError('HF_RUN_UNKNOWN', { why: id });
}

interface Place {
  readonly shell: Shell;
  readonly screen: Screen;
}

function printView(view: JournalView, { shell, screen }: Place, flags: Flags): void {
  const { output = 'text' } = flags;
  if (output === 'json') shell.print(JSON.stringify(view));
  else if (output === 'jsonl') view.rows.forEach((row) => shell.print(rowJson(row)));
  else shell.print(journalScreen(view.rows, screen));
  if (view.partial === true && output !== 'json') {
    shell.say('More of it may lie further back than was looked.');
  }
}

function rowJson(row: JournalRow): string {
  return JSON.stringify({ schema: 'holdfast.journal-row/1', ...row });
}

/** Prints the newest entries, then each one to come, until interrupted. */
async function follow(agent: AgentReader, shell: Shell, flags: Flags): Promise<void> {
  const isText = !isJson(watchedFormat(flags.output));
  const print = (row: JournalRow) => shell.print(isText ? rowLine(row, shell) : rowJson(row));
  const followed = flags.lane === undefined ? lanes : [flags.lane];
  const query = await queryOf(agent, flags);
  // Heads first: what is journaled between the two looks is then shown, not missed.
  const heads = await agent.backlog();
  const cursors = new Map(heads.lanes.map(({ lane, head }) => [lane, head]));
  const take = (row: JournalRow): void => {
    if (isWantedRow(row, query)) print(row);
    cursors.set(row.lane, Math.max(cursors.get(row.lane) ?? 0, row.seq));
  };
  (await agent.journal(query)).rows.forEach(take);
  for (;;) {
    const fresh: JournalRow[] = [];
    for (const lane of followed) {
      const after = cursors.get(lane) ?? 0;
      // All of them, so that the cursor goes on; what is not wanted is left out here.
      const page = { lane, after, hex: query.hex, limit: LINES_MAX };
      fresh.push(...(await agent.journal(page)).rows);
    }
    fresh.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    fresh.forEach(take);
    if (fresh.length === 0) await pause(FOLLOW_MS);
  }
}
