import { readFile } from 'node:fs/promises';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';

interface Flags {
  readonly dataDir?: string;
  readonly device?: string;
  readonly tokenFile?: string;
  readonly output: Format;
}

const about = `
Makes the key of this device, which never leaves it, and has the gateway know it. The token
names the gateway: only that one is believed, from the first contact on. The address of the
gateway and what to trust of it are kept, so that \`holdfast run\` needs no --gateway.

The token is read from stdin or from a file, never from the command line, which others can see.
It may be done again, and with a running agent: the next start of the agent is enrolled.

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
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const dataDir = flags.dataDir ?? shell.env['HOLDFAST_DATA_DIR'];
      if (dataDir === undefined) throw usage('--data-dir is missing');
      const token = await readToken(flags.tokenFile);
      const { enrollDevice } = await import('../enroll-device.ts');
      const view = await enrollDevice(dataDir, token, flags.device);
      const text = `${view.device} is enrolled, with key ${view.key}. Its gateway: ${view.gateway}`;
      shell.print(flags.output === 'json' ? JSON.stringify(view) : text);
    });
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
