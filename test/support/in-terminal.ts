import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';
import { TerminalScreen } from './screen.ts';

/** From `test/dist/support`. */
const ptyProgram = fileURLToPath(new URL('../../support/in_terminal.py', import.meta.url));

const fixedTime = fileURLToPath(new URL('../../support/fixed-time.cjs', import.meta.url));

export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface InTerminal {
  readonly screen: TerminalScreen;
  /** All that was written, as it was. */
  readonly written: () => string;
  readonly type: (keys: string) => void;
  /** Resolves once the screen is as wanted. @throws with what is on it when it never is. */
  readonly until: (isWanted: (screen: TerminalScreen) => boolean) => Promise<void>;
  /** Resolves with the exit code once the program has ended. */
  readonly ended: Promise<number | null>;
}

/** Runs a program of ours in a terminal of 80 by 24; what runs at the end of the test is killed. */
export function inTerminal(
  t: ExecutionContext,
  command: readonly string[],
  { columns = 80, rows = 24, env = {} }: PtyOptions = {},
): InTerminal {
  const { PATH = '' } = process.env;
  const size = [String(columns), String(rows)];
  const preload = ['--require', fixedTime];
  const child = spawn('python3', [ptyProgram, ...size, process.execPath, ...preload, ...command], {
    env: { PATH, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
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
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    screen.write(text);
  });
  child.stdin.on('error', () => undefined);
  return {
    ...{ screen, ended, written: () => written },
    type: (keys) => void child.stdin.write(keys),
    async until(isWanted) {
      while (!isWanted(screen)) {
        const isOver = await Promise.race([
          ended.then(() => true),
          once(child.stdout, 'data').then(() => false),
        ]);
        if (isOver && !isWanted(screen)) throw new Error(`it ended with\n${screen.text}`);
      }
    },
  };
}
