import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { SOCKET_NAME } from '../core/surface.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { storeKeyFile } from './store-key-option.ts';
import { nonEmpty } from './target.ts';

interface Flags {
  readonly dataDir: string;
  readonly device: string;
  readonly code: string;
  readonly gateway?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly passwordFile?: string;
  readonly socket?: string;
  readonly storeKeyFile?: string;
  readonly machine?: string;
  readonly moved?: true;
  readonly retention?: string;
  readonly journalMaxBytes?: string;
  readonly reconnectMax?: string;
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

/** An option that the environment can give too. */
function setting(name: string, value: string, description: string): Option {
  const variable = `HOLDFAST_${name.toUpperCase().replaceAll('-', '_')}`;
  return new Option(`--${name} <${value}>`, description).env(variable);
}

const options: readonly Option[] = [
  setting('data-dir', 'dir', 'where the journal is').makeOptionMandatory(),
  setting('device', 'id', 'identity of this device: A-Z a-z 0-9 _ -').makeOptionMandatory(),
  setting('code', 'file', 'ES module that exports the workflows').makeOptionMandatory(),
  setting('gateway', 'url', 'mqtt://host:port or mqtts://host:port; without it, none'),
  setting('tls-ca', 'file', 'PEM: what to trust of the gateway; default: what the system trusts'),
  setting('tls-cert', 'file', 'PEM: certificate to show to the broker; needs --tls-key'),
  setting('tls-key', 'file', 'PEM: its private key'),
  setting('password-file', 'file', 'password for the broker; the user is the device id'),
  setting('socket', 'path', `default: ${SOCKET_NAME} in the data directory`),
  setting('store-key-file', 'path', 'encrypts the store: 32 bytes, plain, hex or base64'),
  setting('machine', 'name', 'tells this machine from others, or none; default: its hardware'),
  setting('retention', 'duration', 'how long runs that have ended are kept, such as 7d'),
  setting('journal-max-bytes', 'size', 'budget of the journal, such as 256M; default 1G'),
  setting('reconnect-max', 'duration', 'longest pause before the next try; default 1m'),
  setting('log-format', 'format', 'of stderr').choices(['text', 'json']).default('text'),
];

export function addRun(program: Command, shell: Shell): void {
  const command = program.command('run').description('Run the agent of this device.');
  for (const option of options) command.addOption(option);
  command.option('--moved', 'the data directory was brought here from another machine');
  command
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (_: unknown, self: Command) => {
      const given = self.optsWithGlobals<Flags>();
      const flags = checkEmpty(given, self);
      const dataDir = resolve(flags.dataDir);
      const { socket } = flags;
      const storeKey = storeKeyFile(flags, shell.env);
      // What an agent is made of takes long to load, and no other command needs it.
      const { runAgent } = await import('./run-agent.ts');
      await runAgent(shell, {
        ...flags,
        ...(storeKey === undefined ? {} : { storeKey }),
        dataDir,
        socket: socket === undefined ? join(dataDir, SOCKET_NAME) : resolve(socket),
        isJson: flags.output === 'json',
        logLevel: flags.debug === true ? 'debug' : 'info',
      });
    });
}

/** An empty variable of the environment counts as unset; an empty option is a mistake. */
function checkEmpty(flags: Flags, command: Command): Flags {
  const kept = options.flatMap((option) => {
    const name = option.attributeName();
    const value: unknown = Reflect.get(flags, name);
    const isUnset = command.getOptionValueSource(name) === 'env' && !option.mandatory;
    if (typeof value !== 'string' || (value === '' && isUnset)) return [];
    return [[name, nonEmpty(`--${option.name()}`, value)]];
  });
  const { output, debug, moved } = flags;
  // The same fields, without those that are empty.
  const given = Object.fromEntries(kept) as Flags;
  return { ...given, output, ...(debug ? { debug } : {}), ...(moved ? { moved } : {}) };
}
