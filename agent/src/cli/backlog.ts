import type { Command } from 'commander';
import { backlogWatch } from './backlog-watch.ts';
import { streamFormatOption } from './output-format.ts';
import type { Shell } from './shell.ts';
import { showBacklog, type ShowFlags } from './show.ts';
import { addTarget, withAgent } from './target.ts';
import { watchAgain, watchInterval, watchOption, type WatchFlag } from './watch.ts';

interface Flags extends ShowFlags {
  readonly watch?: WatchFlag;
  readonly untilSynced?: true;
}

const about = `
What is pending is told by workflow and by kind of entry; of more than 4,096 entries, by so many of
them, spread evenly over the backlog. Rates are those of the last half a minute.

On a terminal, --watch redraws in place: q ends, p holds, w shows the parts. Into a pipe it prints
one line of JSON each time.

Examples:
  holdfast backlog --data-dir /var/lib/holdfast
  holdfast backlog --watch
  holdfast backlog --watch=250ms --until-synced | jq .pending
`;

export function addBacklog(program: Command, shell: Shell): void {
  addTarget(program.command('backlog'))
    .description('Show what this device has not yet handed to the gateway.')
    .addOption(streamFormatOption())
    .addOption(watchOption())
    .option('--until-synced', 'watch until nothing is pending')
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      if (flags.watch === undefined && flags.untilSynced === undefined) {
        await showBacklog(shell, flags);
        return;
      }
      await withAgent(shell, flags, (agent) =>
        watchAgain(shell, backlogWatch(agent, shell, { untilSynced: flags.untilSynced === true }), {
          intervalMs: watchInterval(flags.watch ?? true),
          output: flags.output,
        }),
      );
    });
}
