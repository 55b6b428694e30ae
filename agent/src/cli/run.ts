import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { nonEmpty, SOCKET_NAME } from './target.ts';

interface Flags {
  readonly dataDir: string;
  readonly device: string;
  readonly code: string;
  readonly gateway?: string;
  readonly socket?: string;
  readonly retention?: string;
  readonly logFormat: 'text' | 'json';
  readonly output: Format;
  readonly debug?: true;
}

const about = `
The code file is an ES module. Each workflow it exports is registered; so are, by cron, those
in \`export const schedules = [{ cron, workflow, input?, id?, timezone? }]\`.

Prints one line once it is ready and logs to stderr. SIGTERM or SIGINT closes it in order
within 10 s; a second one ends it at once. Exits with 78 when it cannot start like this, so
that a supervisor does not try again.

Examples:
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js \\
    --gateway mqtts://gateway.example:8883 --log-format json -o json
`;

export function addRun(program: Command, shell: Shell): void {
  program
    .command('run')
    .description('Run the agent of this device.')
    .addOption(
      new Option('--data-dir <dir>', 'where the journal is')
        .env('HOLDFAST_DATA_DIR')
        .makeOptionMandatory(),
    )
    .requiredOption('--device <id>', 'identity of this device: A-Z a-z 0-9 _ -')
    .requiredOption('--code <file>', 'ES module that exports the workflows')
    .option('--gateway <url>', 'mqtt://host:port or mqtts://host:port; without it, none')
    .option(
      '--socket <path>',
      `default: HOLDFAST_SOCKET, or ${SOCKET_NAME} in the data directory`,
    )
    .option('--retention <duration>', 'how long runs that have ended are kept, such as 7d')
    .addOption(
      new Option('--log-format <format>', 'of stderr').choices(['text', 'json']).default('text'),
    )
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const dataDir = resolve(nonEmpty('--data-dir', flags.dataDir));
      const named = nonEmpty('--socket', flags.socket) ?? shell.env['HOLDFAST_SOCKET'];
      // What an agent is made of takes long to load, and no other command needs it.
      const { runAgent } = await import('./run-agent.ts');
      await runAgent(shell, {
        ...flags,
        dataDir,
        socket: named ? resolve(named) : join(dataDir, SOCKET_NAME),
        isJson: flags.output === 'json',
        logLevel: flags.debug === true ? 'debug' : 'info',
      });
    });
}
