import { durationMs, HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { watchBacklog } from './backlog-watch.ts';
import { backlogScreen } from './backlog-screen.ts';
import { streamFormatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output?: Format;
  /** `true`: given without an interval. */
  readonly watch?: string | true;
  readonly untilSynced?: true;
}

/** More often would make the watching the agent's main work. */
const WATCH_MS_MIN = 100;

const about = `
On a terminal, --watch redraws in place; into a pipe it prints one line of JSON each time.

Examples:
  holdfast backlog --data-dir /var/lib/holdfast
  holdfast backlog --watch
  holdfast backlog --watch=250ms --until-synced | jq .pending
`;

export function addBacklog(program: Command, shell: Shell): void {
  addTarget(program.command('backlog'))
    .description('Show what this device has not yet handed to the gateway.')
    .addOption(streamFormatOption())
    .option('--watch [interval]', 'look again and again, by default each second')
    .option('--until-synced', 'watch until nothing is pending')
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      if (flags.watch === undefined && flags.untilSynced === undefined) {
        const backlog = await readAgent(shell, flags, (agent) => agent.backlog());
        const isText = (flags.output ?? 'text') === 'text';
        shell.print(isText ? backlogScreen(backlog, shell) : JSON.stringify(backlog));
        return;
      }
      await withAgent(shell, flags, (agent) =>
        watchBacklog(agent, shell, {
          intervalMs: intervalOf(flags.watch ?? true),
          untilSynced: flags.untilSynced === true,
          output: flags.output,
        }),
      );
    });
}

function intervalOf(watch: string | true): number {
  if (watch === true) return 1_000;
  const ms = durationMs(watch);
  if (ms < WATCH_MS_MIN) {
    throw new HoldfastError('HF_USAGE', { why: `--watch=${watch} is below ${WATCH_MS_MIN} ms` });
  }
  return ms;
}
