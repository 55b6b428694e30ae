import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { tempDir } from './temp-dir.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** The longest that one block of commands may take. */
export const BLOCK_MS_MAX = 90_000;

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** The code blocks of a document, in order. */
export async function readBlocks(path: string): Promise<readonly Block[]> {
  const document = await readFile(join(root, path), 'utf8');
  return [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/**
 * Does what a reader does: saves the files of a page in `folder`, which its commands make, types
 * each command into one shell, beside a checkout in `holdfast`, and sees that what the page shows
 * is printed. Resolves with the path of the folder and the number of blocks that were typed.
 */
export async function followDocument(
  t: ExecutionContext,
  blocks: readonly Block[],
  folder: string,
): Promise<{ readonly folder: string; readonly typed: number }> {
  const dir = await tempDir(t);
  const work = join(dir, folder);
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  await symlink(root, join(dir, 'holdfast'));
  const terminal = new Terminal(dir);
  t.teardown(() => terminal.end());
  const files = new Map<string, string>();
  let screen = '';
  let typed = 0;
  for (const { language, text } of blocks) {
    const name = /^\/\/ (\S+)\n/.exec(text)?.[1];
    if (language === 'js' && name !== undefined) files.set(name, text);
    if (language === 'text') checkShown(t, text, screen);
    if (language !== 'sh') continue;
    if (existsSync(work)) await writeAll(work, files);
    const commands = text.replaceAll('1883', mqttPort).replaceAll('8080', httpPort);
    screen = await terminal.typeBlock(commands);
    t.notRegex(screen, /^error:/m);
    typed += 1;
  }
  return { folder: work, typed };
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

  /** Resolves with what was printed once all of it has run, or what goes on behind it is ready. */
  typeBlock(commands: string): Promise<string> {
    if (commands.trimEnd().endsWith('&')) return this.#type(commands, /\bready\b|^error:/m);
    return this.#type(`${commands}echo "the block" has ended\n`, /the block has ended$/m);
  }

  /** Resolves with what was printed once that matches; rejects when the shell ends before. */
  #type(text: string, until: RegExp): Promise<string> {
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

/** Each line that a document shows was printed, apart from its numbers and widths. */
function checkShown(t: ExecutionContext, shown: string, screen: string): void {
  const plain = (line: string): string =>
    line
      .replace(/\bnow\b/g, '0s ago')
      .replace(/\d[\d.,:]*(?: ?(?:ms|s|m|h|d|B|KiB|MiB)\b)?/g, '#')
      .replace(/#(?: ?#)+/g, '#')
      .replace(/\s+/g, ' ')
      .trim();
  const printed = new Set(screen.split('\n').map(plain));
  const missing = shown.split('\n').filter((line) => line !== '' && !printed.has(plain(line)));
  t.deepEqual(missing, [], screen);
}
