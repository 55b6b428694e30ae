import { readFile } from 'node:fs/promises';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { EnrollView } from '../enroll-device.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';

interface Flags {
  readonly dataDir?: string;
  readonly device?: string;
  readonly tokenFile?: string;
  readonly renew?: true;
  readonly output: Format;
}

const about = `
Makes the key of this device, which never leaves it, and has the gateway know it. The token
names the gateway: only that one is believed, from the first contact on. The address of the
gateway and what to trust of it are kept, so that \`holdfast run\` needs no --gateway.

The token is read from stdin or from a file, never from the command line, which others can see.
It may be done again, and with a running agent: the next start of the agent is enrolled. The
agent renews its certificate by itself; with --renew it is done now, also when it has expired.

Examples:
  holdfast-gateway enroll create --device pump-017 --data-dir ./gateway > token.txt
  holdfast enroll --data-dir ./data < token.txt
  holdfast enroll --data-dir ./data --device pump-017 --token-file token.txt
`;

export function addEnroll(program: Command, shell: Shell): void {
  program
    .command('enroll')
    .description('Have a gateway know this device, with a token.')
    .option('--data-dir <dir>', 'directory of the journal and the identity')
    .option('--device <id>', 'identity of this device, where the token does not say it')
    .option('--token-file <file>', 'file with the token; default: stdin')
    .option('--renew', 'renew the certificate of a device that is enrolled, by its key')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const dataDir = flags.dataDir ?? shell.env['HOLDFAST_DATA_DIR'];
      if (dataDir === undefined) throw usage('--data-dir is missing');
      const view = await enrol(dataDir, flags);
      const { device, key, gateway, certificateUntil: until } = view;
      const done = flags.renew === true ? 'has a new certificate' : 'is enrolled';
      const text = `${device} ${done}, with key ${key}. Its gateway: ${gateway}`;
      const last = `Its certificate is valid until ${until}.`;
      shell.print(flags.output === 'json' ? JSON.stringify(view) : `${text}\n${last}`);
    });
}

async function enrol(dataDir: string, { renew, tokenFile, device }: Flags): Promise<EnrollView> {
  if (renew === true && (tokenFile ?? device) !== undefined) {
    throw usage('--renew takes neither a token nor a device: it goes by what is enrolled');
  }
  const { enrollDevice, renewDevice } = await import('../enroll-device.ts');
  if (renew === true) return renewDevice(dataDir);
  return enrollDevice(dataDir, await readToken(tokenFile), device);
}

async function readToken(path: string | undefined): Promise<string> {
  if (path === undefined && process.stdin.isTTY === true) {
    process.stderr.write('Token: ');
  }
  try {
    return (path === undefined ? await readInput() : await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw usage(`the token cannot be read: ${messageOf(error)}`);
  }
}

/** One line is enough. */
async function readInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text;
}

function usage(why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why });
}
