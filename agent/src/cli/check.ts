import { durationMs, HoldfastError } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { alarmsOf, levelOf, levels, type Level, type Limits } from '../core/alarm.ts';
import type { StatusView } from '../core/views.ts';
import { integerOption } from './integer-option.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly format: 'nagios' | 'json';
  readonly maxEntries?: number;
  readonly maxAge?: string;
  readonly maxOffline?: string;
}

const about = `
For monitoring systems: one line, and exit code 0 (ok), 1 (warning), 2 (critical) or 3 (unknown).
A device that is offline is ok, unless for longer than --max-offline. What is limited warns at half
of its limit.

Example:
  holdfast check --max-age 6h --max-entries 10000 --max-offline 3d
`;

export function addCheck(program: Command, shell: Shell): void {
  addTarget(program.command('check'))
    .description('Say in one line whether somebody must be called.')
    .addOption(
      integerOption('--max-entries <n>', 'more pending are critical', { min: 1, max: 1e9 }),
    )
    .option('--max-age <duration>', 'an older pending entry is critical')
    .option('--max-offline <duration>', 'no connection for longer is critical')
    .addOption(new Option('--format <format>').choices(['nagios', 'json']).default('nagios'))
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const limits = limitsOf(flags);
      const { level, text, status } = await look(shell, flags, limits);
      const facts = status === undefined ? undefined : factsOf(status, shell.nowMs());
      const view = { schema: 'holdfast.check/1', level, text, ...facts };
      const line = `HOLDFAST ${level} - ${text}${perfData(facts)}`;
      shell.print(flags.format === 'json' ? JSON.stringify(view) : line);
      process.exitCode = levels.indexOf(level);
    });
}

interface Look {
  readonly level: Level;
  readonly text: string;
  readonly status?: StatusView;
}

/** What cannot be asked is unknown: for a monitoring system no other exit code has a meaning. */
async function look(shell: Shell, flags: Flags, limits: Limits): Promise<Look> {
  try {
    const status = await readAgent(shell, flags, (agent) => agent.status());
    const alarms = alarmsOf(status, limits, shell.nowMs());
    const { pending } = status.backlog;
    const calm = `${status.link.state}, ${pending} ${pending === 1 ? 'entry' : 'entries'} pending`;
    const text = alarms.length === 0 ? calm : alarms.map((each) => each.text).join('; ');
    return { level: levelOf(alarms), text, status };
  } catch (error) {
    if (error instanceof HoldfastError) return { level: 'UNKNOWN', text: error.message };
    throw error;
  }
}

function limitsOf({ maxEntries, maxAge, maxOffline }: Flags): Limits {
  return {
    entriesMax: maxEntries,
    ageMsMax: maxAge === undefined ? undefined : durationMs(maxAge),
    offlineMsMax: maxOffline === undefined ? undefined : durationMs(maxOffline),
  };
}

interface Facts {
  readonly pending: number;
  readonly bytes: number;
  readonly ageS: number;
  readonly connected: 0 | 1;
}

function factsOf({ backlog, link }: StatusView, nowMs: number): Facts {
  const { pending, bytes, oldestAt } = backlog;
  const ageS = oldestAt === null ? 0 : Math.round((nowMs - Date.parse(oldestAt)) / 1_000);
  const isConnected = link.state === 'synced' || link.state === 'syncing';
  return { pending, bytes, ageS, connected: isConnected ? 1 : 0 };
}

function perfData(facts: Facts | undefined): string {
  if (facts === undefined) return '';
  const { pending, bytes, ageS, connected } = facts;
  return `|pending=${pending} bytes=${bytes}B age=${ageS}s connected=${connected}`;
}
