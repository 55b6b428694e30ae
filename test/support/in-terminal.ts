import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';
import { TerminalScreen } from './screen.ts';

/** From `test/dist/support`. */
const ptyProgram = fileURLToPath(new URL('../../support/in_terminal.py', import.meta.url));

const fixedMachine = fileURLToPath(new URL('../../support/fixed-machine.cjs', import.meta.url));

/** Longer than a test may take; what goes on in a terminal is ended by the test. */
const DEADLINE_MS = 5 * PATIENCE_MS;

export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface InTerminal {
  readonly screen: TerminalScreen;
  /** All that was written, as it was. */
  readonly written: () => string;
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  readonly signal: (name: 'SIGTERM' | 'SIGKILL') => void;
  /** Resolves once the screen is as wanted. @throws with what is on it when it never is. */
  readonly until: (isWanted: (screen: TerminalScreen) => boolean) => Promise<void>;
  /** Resolves with its exit code once it has ended; 99: it left the terminal unlike it was. */
  readonly ended: Promise<number | null>;
}

/** Runs a program of ours in a terminal of 80 by 24; what runs at the end of the test is killed. */
export function inTerminal(
  t: ExecutionContext,
  command: readonly string[],
  { columns = 80, rows = 24, env = {}, cwd }: PtyOptions = {},
): InTerminal {
  const { PATH = '' } = process.env;
  const size = [String(columns), String(rows)];
  const preload = ['--require', fixedMachine];
  const child = spawn('python3', [ptyProgram, ...size, process.execPath, ...preload, ...command], {
    // Python would have it another locale than it was given.
    env: { PATH, LANG: 'C.UTF-8', TERM: 'xterm-256color', PYTHONCOERCECLOCALE: '0', ...env },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const ended = once(child, 'close').then(([code]) => {
    clearTimeout(timer);
    return code as number | null;
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const screen = new TerminalScreen(columns, rows);
  let written = '';
  // By its stdio above.
  const [stdin, stdout, , orders] = child.stdio as unknown as readonly [
    Writable,
    Readable,
    null,
    Writable,
  ];
  stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    screen.write(text);
  });
  for (const stream of [stdin, orders]) stream.on('error', () => undefined);
  return {
    ...{ screen, ended, written: () => written },
    type: (keys) => void stdin.write(keys),
    resize(width, height) {
      screen.resize(width, height);
      orders.write(`size ${width} ${height}\n`);
    },
    signal: (name) => void orders.write(`signal ${constants.signals[name]}\n`),
    async until(isWanted) {
      while (!isWanted(screen)) {
        const isOver = await Promise.race([
          ended.then(() => true),
          once(stdout, 'data').then(() => false),
        ]);
        if (isOver && !isWanted(screen)) throw new Error(`it ended with\n${screen.text}`);
      }
    },
  };
}
