import { setTimeout as pause } from 'node:timers/promises';
import { paint, printable } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import type { LogRow } from '../core/kept-log.ts';
import type { SocketClient } from '../socket-client.ts';
import { integerOption } from './integer-option.ts';
import type { Screen } from './link-line.ts';
import { streamFormatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output?: Format;
  readonly follow?: true;
  readonly lines: number;
  readonly level: LogRow['level'];
}

const LINES_DEFAULT = 50;
const LINES_MAX = 1_000;
const FOLLOW_MS = 500;

const about = `
The agent keeps its newest lines, some 2,000 since it started. What it wrote before that is where
its stderr went: with systemd, journalctl -u holdfast.

Examples:
  holdfast logs -n 200
  holdfast logs -f --level error
  holdfast logs -o jsonl | jq 'select(.fields.code == "HF_DISK_FULL")'
`;

export function addLogs(program: Command, shell: Shell): void {
  addTarget(program.command('logs'))
    .description('Show the log of the agent that runs.')
    .option('-f, --follow', 'go on with lines to come')
    .addOption(
      new Option('--level <level>', 'only errors, or all')
        .choices(['error', 'info'])
        .default('info'),
    )
    .addOption(
      integerOption('-n, --lines <n>', 'how many', { min: 1, max: LINES_MAX }).default(
        LINES_DEFAULT,
      ),
    )
    .addOption(streamFormatOption())
    .addHelpText('after', about)
    .action((flags: Flags) => withAgent(shell, flags, (agent) => showLogs(agent, shell, flags)));
}

async function showLogs(agent: SocketClient, shell: Shell, flags: Flags): Promise<void> {
  const isMeant = ({ level }: LogRow) => flags.level === 'info' || level === 'error';
  const first = await agent.logs({ after: 0, limit: LINES_MAX });
  const lines = first.lines.filter(isMeant).slice(-flags.lines);
  if (flags.output === 'json' && flags.follow !== true) {
    shell.print(JSON.stringify({ ...first, lines }));
    return;
  }
  const print = (row: LogRow) => shell.print(lineOf(row, flags.output, shell));
  lines.forEach(print);
  if (flags.follow !== true) return;
  for (let after = first.lines.at(-1)?.n ?? 0; ; await pause(FOLLOW_MS)) {
    const fresh = (await agent.logs({ after, limit: LINES_MAX })).lines;
    fresh.filter(isMeant).forEach(print);
    after = fresh.at(-1)?.n ?? after;
  }
}

function lineOf(row: LogRow, output: Format | undefined, screen: Screen): string {
  const isText = (output ?? 'text') === 'text';
  return isText ? logLine(row, screen) : JSON.stringify({ schema: 'holdfast.log-line/1', ...row });
}

/** A line of the log as a person reads it. */
export function logLine({ at, level, message, fields }: LogRow, screen: Screen): string {
  const said = Object.entries(fields).map(
    ([name, value]) => `${paint(`${printable(name)}=`, 'dim', screen.color)}${valueText(value)}`,
  );
  const mark = level === 'error' ? paint('ERROR ', 'red', screen.color) : '';
  return [`${paint(at, 'dim', screen.color)} ${mark}${printable(message)}`, ...said].join('  ');
}
