import type { Command } from 'commander';
import { streamFormatOption } from './output-format.ts';
import type { Shell } from './shell.ts';
import { showStatus, type ShowFlags } from './show.ts';
import { statusScreen } from './status-screen.ts';
import { addTarget, withAgent } from './target.ts';
import { watchAgain, watchInterval, watchOption, type WatchFlag } from './watch.ts';

interface Flags extends ShowFlags {
  readonly watch?: WatchFlag;
}

const about = `
Exits with 0 when the device is offline too: that is a normal state. Exits with 1 when it cannot
journal. With --watch it is drawn anew each second on a terminal, and printed as a line of JSON into
a pipe, until it is interrupted.

Examples:
  holdfast status --data-dir /var/lib/holdfast
  holdfast status --socket /run/holdfast/agent.sock -o json
  holdfast status --watch=5s
`;

export function addStatus(program: Command, shell: Shell): void {
  addTarget(program.command('status'))
    .description('Show how this device is and how far it is ahead of the gateway.')
    .addOption(streamFormatOption())
    .addOption(watchOption())
    .addHelpText('after', about)
    .action((flags: Flags) =>
      flags.watch === undefined
        ? showStatus(shell, flags)
        : watchStatus(shell, flags, watchInterval(flags.watch)),
    );
}

function watchStatus(shell: Shell, flags: Flags, intervalMs: number): Promise<void> {
  return withAgent(shell, flags, (agent) =>
    watchAgain(
      shell,
      {
        read: () => agent.status(),
        screen: (view) => statusScreen(view, shell),
        line: (view) => statusScreen(view, shell).split('\n', 1)[0] ?? '',
      },
      { intervalMs, output: flags.output },
    ),
  );
}
