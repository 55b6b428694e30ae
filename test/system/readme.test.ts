import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const BLOCK_MS_MAX = 90_000;

interface Block {
  readonly language: string;
  readonly text: string;
}

async function readBlocks(): Promise<readonly Block[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** What a person types into, and sees on, a terminal. */
class Terminal {
  readonly #shell: ChildProcess;
  #screen = '';
  #isClosed = false;
  #onChange: () => void = () => {};

  constructor(cwd: string) {
    // The settings of the npm that runs this test are not those of a person's shell.
    const env = Object.entries(process.env).filter(([name]) => !/^(?:npm_|HOLDFAST_)/i.test(name));
    this.#shell = spawn('bash', ['--norc', '-eo', 'pipefail', '-s'], {
      cwd,
      env: Object.fromEntries(env),
      // A group of its own, so that what it has started in the background ends with it.
      detached: true,
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#screen += chunk.toString();
        this.#onChange();
      });
    }
    this.#shell.on('close', () => {
      this.#isClosed = true;
      this.#onChange();
    });
  }

  /** Resolves with what was printed once that matches; rejects when the shell ends before. */
  type(text: string, until: RegExp): Promise<string> {
    const from = this.#screen.length;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why}:\n${this.#screen.slice(from)}`));
      const late = setTimeout(() => fail(`${until} was not seen in time`), BLOCK_MS_MAX);
      this.#onChange = () => {
        const printed = this.#screen.slice(from);
        if (until.test(printed)) resolve(printed);
        else if (this.#isClosed) fail('the shell ended');
        else return;
        clearTimeout(late);
      };
      this.#shell.stdin?.write(text);
    });
  }

  async end(): Promise<void> {
    const { pid } = this.#shell;
    if (pid === undefined) return;
    this.#shell.stdin?.end();
    const closed = this.#isClosed ? undefined : once(this.#shell, 'close');
    const force = setTimeout(() => signalGroup(pid, 'SIGKILL'), 15_000);
    signalGroup(pid, 'SIGTERM');
    await closed;
    clearTimeout(force);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // All of the group have ended already.
  }
}

async function writeAll(dir: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) await writeFile(join(dir, name), text);
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

/** Each line that the README shows was printed, apart from its numbers and widths. */
function checkShown(t: ExecutionContext, shown: string, screen: string): void {
  const plain = (line: string): string =>
    line
      .replace(/\bnow\b/g, '0s ago')
      .replace(/\d[\d.,:]*(?: ?(?:ms|s|m|h|d|B|KiB|MiB)\b)?/g, '#')
      .replace(/\s+/g, ' ')
      .trim();
  const printed = new Set(screen.split('\n').map(plain));
  const missing = shown.split('\n').filter((line) => line !== '' && !printed.has(plain(line)));
  t.deepEqual(missing, [], screen);
}

test('the two commands of the first screen are scripts of the root', async (t) => {
  const [first] = await readBlocks();
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const names = [...(first?.text ?? '').matchAll(/^npm (?:run )?(\w+)/gm)].map(([, name]) => name);

  t.deepEqual(names, ['demo', 'test']);
  for (const name of names) t.is(typeof scripts[String(name)], 'string', name);
});

test('every command of the README does what it says, as it is written', async (t) => {
  t.timeout(4 * BLOCK_MS_MAX);
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-readme-'));
  const [, ...blocks] = await readBlocks();
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  const shop = join(dir, 'shop');
  await symlink(root, join(dir, 'holdfast'));
  const terminal = new Terminal(dir);
  t.teardown(async () => {
    await terminal.end();
    await rm(dir, { recursive: true, force: true });
  });
  const screens: string[] = [];
  const files = new Map<string, string>();

  for (const { language, text } of blocks) {
    const name = /^\/\/ (\S+)\n/.exec(text)?.[1];
    if (language === 'js' && name !== undefined) files.set(name, text);
    if (language === 'text') checkShown(t, text, screens.at(-1) ?? '');
    if (language !== 'sh') continue;
    if (existsSync(shop)) await writeAll(shop, files);
    const typed = text.replaceAll('1883', mqttPort).replaceAll('8080', httpPort);
    const isBackground = typed.trimEnd().endsWith('&');
    const typedAll = isBackground ? typed : `${typed}echo "the block" has ended\n`;
    const until = isBackground ? /\bready\b|^error:/m : /the block has ended$/m;
    const screen = await terminal.type(typedAll, until);
    t.notRegex(screen, /^error:/m);
    screens.push(screen);
  }

  t.is(screens.length, 5, 'every block was typed');
  const tickets = await readFile(join(shop, 'tickets.txt'), 'utf8');
  t.deepEqual(
    tickets.split('\n').map((line) => line.split(' ').slice(0, -1).join(' ')),
    ['moka pot', 'teapot', ''],
    'each ticket was printed once',
  );
});
