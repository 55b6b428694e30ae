import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { HoldfastError, messageOf, wrapLine } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { socketOf } from '../agent-socket.ts';
import { proxyProblem, type HttpProxy } from '../core/proxy-address.ts';
import type { EnrollView } from '../enroll-device.ts';
import { isNobodyThere, SocketClient } from '../socket-client.ts';
import type { PairingOptions } from '../pair-device.ts';
import type { GatewayTrial } from '../try-gateway.ts';
import { proxyAccess } from './broker-access.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { INSTALLED } from './target.ts';

interface Flags {
  readonly dataDir?: string;
  readonly device?: string;
  readonly tokenFile?: string;
  readonly renew?: true;
  readonly newKey?: true;
  readonly restart?: true;
  readonly gateway?: string;
  readonly proxy?: string;
  readonly proxyPasswordFile?: string;
  readonly output: Format;
}

const about = `
Makes the key of this device, which never leaves it, and has the gateway know it. The token
names the gateway: only that one is believed, from the first contact on. The address of the
gateway and what to trust of it are kept, so that \`holdfast run\` needs no --gateway.

The token is read from stdin or from a file, never from the command line, which others can see.
Without a token, --gateway asks there: somebody at the gateway lets the device in, by the code and
the words that it shows. They are other words there if somebody stands between, and it is refused.

An agent that has run has its name already, and a token without one is for that. Files that root
makes are of whoever the directory is of.

It may be done again, and with a running agent: the next start of the agent is enrolled, which
--restart has systemd do. The agent renews its certificate by itself; with --renew it is done now,
also when it has expired.
With --new-key the device makes another key, for which the one that it has vouches: nobody at the
gateway is needed, what was journaled stays, and the old key counts no more once the new one was
heard there. A crash in the middle leaves the device with one of the two, which goes on.

At the end a message goes over the broker to the gateway and back. Where that fails it is said
why; the device is enrolled all the same.

Examples:
  holdfast-gateway enroll create --device pump-017 --data-dir ./gateway > token.txt
  holdfast enroll --data-dir ./data < token.txt
  holdfast enroll --data-dir ./data --device pump-017 --token-file token.txt
  holdfast enroll --data-dir ./data --device pump-017 --gateway https://gw.example:8080
  holdfast enroll --data-dir ./data --new-key
`;

export function addEnroll(program: Command, shell: Shell): void {
  program
    .command('enroll')
    .description('Have a gateway know this device, with a token.')
    .option('--data-dir <dir>', `of the journal; default: ${INSTALLED.dataDir}, if it is there`)
    .option('--device <id>', 'identity of this device, where nothing else says it')
    .option('--token-file <file>', 'file with the token; default: stdin')
    .option('--gateway <url>', 'of its HTTP API: ask there to be let in, without a token')
    .addOption(
      new Option('--proxy <url>', 'http://[user@]host:port that opens the way (CONNECT)').env(
        'HOLDFAST_PROXY',
      ),
    )
    .addOption(
      new Option('--proxy-password-file <file>', 'its password').env(
        'HOLDFAST_PROXY_PASSWORD_FILE',
      ),
    )
    .option('--renew', 'renew the certificate of a device that is enrolled, by its key')
    .option('--new-key', 'put another key in the place of the one of a device that is enrolled')
    .option('--restart', 'then have systemd start the agent of the package anew')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      checkTogether(flags);
      const dataDir = flags.dataDir ?? (shell.env['HOLDFAST_DATA_DIR'] || installed());
      if (dataDir === undefined) throw usage('--data-dir is missing');
      const proxy = await proxyOf(flags);
      const view = await enrol(dataDir, { flags, proxy }, shell);
      const { device, key, gateway, certificateUntil: until } = view;
      const text = `${device} ${doneBy(flags)}, with key ${key}. Its gateway: ${gateway}`;
      const { tryGateway } = await import('../try-gateway.ts');
      const trial = await tryGateway(dataDir, proxy);
      if (flags.restart === true) await restartAgent();
      if (flags.output === 'json') return shell.print(JSON.stringify({ ...view, ...trial }));
      const valid = `Its certificate is valid until ${until}.`;
      const lines = [text, valid, trialLine(trial)];
      shell.print(lines.map((line) => wrapLine(line, shell.width, 2)).join('\n'));
    });
}

/** @throws HF_USAGE where systemd does not run it; the device is enrolled all the same. */
async function restartAgent(): Promise<void> {
  try {
    await promisify(execFile)('systemctl', ['restart', 'holdfast.service']);
  } catch (error) {
    const why = `it is enrolled, and systemd starts no agent anew: ${messageOf(error).trim()}`;
    throw usage(why);
  }
}

function trialLine(trial: GatewayTrial): string {
  if ('roundTripMs' in trial) return `Test: to the gateway and back in ${trial.roundTripMs} ms.`;
  return `Test: nothing went to the gateway and back: ${trial.untested}.`;
}

function doneBy({ renew, newKey }: Flags): string {
  if (newKey === true) return 'has a new key';
  return renew === true ? 'has a new certificate' : 'is enrolled';
}

interface Asked {
  readonly flags: Flags;
  readonly proxy: HttpProxy | undefined;
}

async function enrol(dataDir: string, asked: Asked, shell: Shell): Promise<EnrollView> {
  const { leavingToOwner } = await import('../data-dir-owner.ts');
  return leavingToOwner(dataDir, () => enrolAs(dataDir, asked, shell));
}

async function enrolAs(
  dataDir: string,
  { flags, proxy }: Asked,
  shell: Shell,
): Promise<EnrollView> {
  const { renew, newKey, tokenFile, device, gateway } = flags;
  if (newKey === true) return changeKey(dataDir, proxy);
  if (gateway !== undefined) {
    const { deviceOf } = await import('../data-dir-owner.ts');
    const id = device ?? (shell.env['HOLDFAST_DEVICE'] || (await deviceOf(dataDir)) || '');
    return pair(dataDir, { api: gateway, device: id, proxy });
  }
  const { enrollDevice, renewDevice } = await import('../enroll-device.ts');
  if (renew === true) return renewDevice(dataDir, proxy);
  return enrollDevice(dataDir, await readToken(tokenFile), device, proxy);
}

/** Each says alone by what the gateway knows the device. @throws HF_USAGE */
function checkTogether({ renew, newKey, tokenFile, device, gateway }: Flags): void {
  const given = { '--token-file': tokenFile, '--device': device };
  if (newKey === true) {
    refuseBeside('--new-key', { '--renew': renew, '--gateway': gateway, ...given });
  }
  if (gateway !== undefined) {
    refuseBeside('--gateway', { '--renew': renew, '--token-file': tokenFile });
  }
  if (renew === true) refuseBeside('--renew', given);
}

const reasons = {
  '--new-key': 'it goes by what is enrolled',
  '--renew': 'it goes by what is enrolled',
  '--gateway': 'somebody there lets the device in',
} as const;

/** @throws HF_USAGE for the first of the others that is given. */
function refuseBeside(
  option: keyof typeof reasons,
  others: Readonly<Record<string, unknown>>,
): void {
  const other = Object.keys(others).find((name) => others[name] !== undefined);
  if (other !== undefined) throw usage(`${option} takes no ${other}: ${reasons[option]}`);
}

/** Of the agent that the package of the distribution installs. */
function installed(): string | undefined {
  return existsSync(INSTALLED.dataDir) ? INSTALLED.dataDir : undefined;
}

async function proxyOf(flags: Flags): Promise<HttpProxy | undefined> {
  if (!flags.proxy && flags.proxyPasswordFile) {
    throw usage('--proxy-password-file means nothing without --proxy');
  }
  const problem = flags.proxy && proxyProblem(flags.proxy);
  if (problem) throw usage(`--proxy ${problem}`);
  return (await proxyAccess(flags)).proxy;
}

/** The agent changes it itself, where one runs. */
async function changeKey(dataDir: string, proxy: HttpProxy | undefined): Promise<EnrollView> {
  try {
    return await new SocketClient(socketOf(dataDir)).rotateKey();
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
  }
  const { rotateStopped } = await import('../rotate-key.ts');
  return rotateStopped(dataDir, proxy);
}

async function pair(
  dataDir: string,
  { api, device, proxy }: Omit<PairingOptions, 'show'>,
): Promise<EnrollView> {
  if (!URL.canParse(api) || !/^https?:$/.test(new URL(api).protocol)) {
    throw usage(`--gateway ${api} is no http:// or https:// URL`);
  }
  if (device === '') throw usage('--device is missing: nobody else says which device this is');
  const { pairDevice } = await import('../pair-device.ts');
  return pairDevice(dataDir, {
    ...{ api, device, proxy },
    // What is printed on stdout is for programs, too.
    show({ code, words }) {
      const lines = [
        `Code ${code}, words: ${words}`,
        'Let it in at the gateway, with the code and the words as they are here:',
        `  holdfast-gateway pair approve ${code} --words '${words}'`,
        `  or on its page: ${api.replace(/\/$/, '')}/#/enrolment/${code}`,
        'Waiting (Ctrl-C ends it; the key stays).',
      ];
      process.stderr.write(`${lines.join('\n')}\n`);
    },
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
