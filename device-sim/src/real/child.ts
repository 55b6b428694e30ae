import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { HoldfastError } from '@holdfast/protocol';

export interface ChildOptions {
  /** For messages: `agent`, `gateway`, …. */
  readonly name: string;
  /** A JavaScript file and its arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Time until its first line, ms. Default 60 s. */
  readonly readyMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of ours that says in one line of JSON that it is ready. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The line of JSON. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  readonly isAlive: boolean;
  /** The last lines it wrote to stderr. */
  readonly lastLines: readonly string[];
  send(message: unknown): void;
  /** Sends a signal and resolves once the process has ended. */
  end(signal: NodeJS.Signals): Promise<Exit>;
}

const READY_MS = 60_000;
const LINES_KEPT = 40;

/** Children that live: the process takes them with it, however it ends. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/**
 * Starts a process and waits until it is ready.
 *
 * @throws HF_PROCESS_FAILED with its last words when it ends, or says nothing, instead.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, args, env } = options;
  const child = spawn(process.execPath, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  alive.add(child);
  const lastLines: string[] = [];
  linesOf(child.stderr, (line) => {
    lastLines.push(line);
    if (lastLines.length > LINES_KEPT) lastLines.shift();
  });
  const exited = new Promise<Exit>((resolve) => {
    child.on('exit', (code, signal) => {
      alive.delete(child);
      resolve({ code, signal });
    });
  });
  const ready = await firstLine(child, {
    name,
    exited,
    lastLines,
    ms: options.readyMs ?? READY_MS,
  });
  return {
    name,
    pid: child.pid ?? 0,
    ready,
    exited,
    lastLines,
    get isAlive() {
      return alive.has(child);
    },
    send: (message) => child.send(message as object),
    async end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

function linesOf(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', onLine);
}

async function firstLine(
  child: ChildProcess,
  about: {
    readonly name: string;
    readonly exited: Promise<Exit>;
    readonly lastLines: readonly string[];
    readonly ms: number;
  },
): Promise<Readonly<Record<string, unknown>>> {
  const { name, exited, lastLines, ms } = about;
  const failed = (why: string): HoldfastError =>
    new HoldfastError('HF_PROCESS_FAILED', {
      why: [`${name} ${why}`, ...lastLines].join('\n    '),
    });
  let late: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      late = setTimeout(() => {
        child.kill('SIGKILL');
        reject(failed(`was not ready after ${ms} ms`));
      }, ms);
      void exited.then(({ code, signal }) => reject(failed(`ended with ${signal ?? code}`)));
      linesOf(child.stdout, (line) => {
        try {
          resolve(JSON.parse(line) as Readonly<Record<string, unknown>>);
        } catch {
          reject(failed(`said ${JSON.stringify(line)} instead of a line of JSON`));
        }
      });
    });
  } finally {
    clearTimeout(late);
  }
}
