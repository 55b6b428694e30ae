import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { agentOutputs } from '@holdfast/agent/internal';
import { checkOutput } from './output-schemas.ts';
import { PATIENCE_MS } from './patience.ts';

/** From `test/dist/support`. */
export const holdfastBinary = fileURLToPath(
  new URL('../../../agent/bin/holdfast.js', import.meta.url),
);

/** Longer than any command may take, even one that waits; what takes longer is killed. */
const DEADLINE_MS = 1.5 * PATIENCE_MS;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
}

function launch(args: readonly string[], options: CliOptions): ChildProcessWithoutNullStreams {
  const { PATH = '' } = process.env;
  const { cwd } = options;
  return spawn(process.execPath, [holdfastBinary, ...args], { cwd, env: { PATH, ...options.env } });
}

/** Runs `holdfast` to its end, without any of our environment. JSON must be as it is published. */
export async function holdfast(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const child = launch(args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  checkOutput(agentOutputs, stdout);
  return { code, stdout, stderr };
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** The next line of stdout. Rejects when there is none within the deadline. */
  readonly nextLine: () => Promise<string>;
  readonly stderr: () => string;
  /** Resolves with the exit code, and the signal that ended it. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
  /** Sends a signal and resolves with the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>;
}

/** Starts `holdfast` for a test; what still runs when it ends is killed. */
export function startHoldfast(
  t: ExecutionContext,
  args: readonly string[],
  options: CliOptions = {},
): Running {
  const child = launch(args, options);
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  t.teardown(async () => {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await ended;
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    nextLine: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`it ended instead of printing a line: ${stderr}`);
      checkOutput(agentOutputs, value);
      return value;
    },
    stderr: () => stderr,
    ended,
    end: async (signal) => {
      child.kill(signal);
      const [code, by] = await ended;
      return code ?? by;
    },
  };
}
