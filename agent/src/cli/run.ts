import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import { runOptions } from './run-options.ts';
import { addSettings, checkNeeded, findSettings } from './settings.ts';
import type { Shell } from './shell.ts';

interface Flags {
  readonly moved?: true;
  readonly output: Format;
  readonly debug?: true;
}

const about = `
The code file is an ES module. Each workflow it exports is registered; so are, by cron, those
in \`export const schedules = [{ cron, workflow, input?, id?, timezone? }]\`.

Prints one line once it is ready and logs to stderr. SIGTERM or SIGINT closes it in order
within 10 s; a second one ends it at once. Exits with 78 when it cannot start like this, so
that a supervisor does not try again.

Each setting is given by its option, else by its variable, else by its line in the TOML file
that --config names (device = "pump-1"), where *.toml in a directory of that name with .d
goes after it. \`holdfast config list\` shows what holds and where it comes from.

A store that is made with --store-key-file, or with the systemd credential
holdfast-store-key, is encrypted, and needs that key from then on.

A data directory that wakes up on another machine may be a copy: it begins a new epoch, and
\`status\` says so. With --moved, for one start, it goes on in its epoch. In containers, give
--machine a name that stays with the data directory.

Examples:
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js \\
    --gateway mqtts://gateway.example:8883 --log-format json -o json
`;

export function addRun(program: Command, shell: Shell): void {
  addSettings(program.command('run'))
    .description('Run the agent of this device.')
    .option('--moved', 'the data directory was brought here from another machine')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags, self: Command) => {
      const found = await findSettings(self);
      checkNeeded(found);
      const options = runOptions(found, flags, shell.env);
      // What an agent is made of takes long to load, and no other command needs it.
      const { runAgent } = await import('./run-agent.ts');
      await runAgent(shell, options);
    });
}
