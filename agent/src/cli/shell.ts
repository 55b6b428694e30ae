import { errorText, Exit, exitCodeOf, printable, wantsColor } from '@holdfast/protocol/base';
import type { ProgressPlace } from '@holdfast/protocol/base';

/** What a command sees of the terminal it was called from. Data goes out, messages to the side. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person looks at stdout. */
  readonly isTerminal: boolean;
  readonly color: boolean;
  /** Columns of the terminal; `undefined`: no limit. */
  readonly width: number | undefined;
  readonly nowMs: () => number;
  /** Where long work tells how far it is. */
  readonly progress: ProgressPlace;
  /** Writes a line to stdout. */
  print(text: string): void;
  /** Writes to stdout as it is. */
  write(text: string): void;
  /** Writes a line to stderr. */
  say(text: string): void;
  /** Writes an error to stderr in three lines and sets the exit code. */
  fail(error: unknown, exitCode?: number): void;
  /** From now on, readers of stdout and stderr that go away do not end this process. */
  outliveReaders(): void;
}

/** For what prints all the while: on a terminal that is progress enough, and would tear a bar. */
export function besideOutput({ isTerminal, progress }: Shell): ProgressPlace {
  return isTerminal ? { ...progress, write: () => undefined } : progress;
}

/** `undefined`: it is no terminal, or one that does not know its size, which says 0. */
function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
}

/** The shell of this process. A reader that goes away (EPIPE) ends it without a word. */
export function processShell(options: { readonly debug: boolean }): Shell {
  const { stdout, stderr, env } = process;
  let outlives = false;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!outlives) process.exit(error.code === 'EPIPE' ? Exit.ok : Exit.failed);
    });
  }
  const isTerminal = stdout.isTTY && env['TERM'] !== 'dumb';
  return {
    env,
    isTerminal,
    color: wantsColor(stdout, env),
    width: columnsOf(stdout),
    nowMs: () => Date.now(),
    progress: {
      isTerminal: stderr.isTTY && env['TERM'] !== 'dumb',
      columns: () => stderr.columns,
      every: (ms, look) => {
        const timer = setInterval(look, ms);
        return () => clearInterval(timer);
      },
      nowMs: () => performance.now(),
      write: (text) => void stderr.write(text),
    },
    print: (text) => void stdout.write(`${text}\n`),
    write: (text) => void stdout.write(text),
    say: (text) => void stderr.write(`${text}\n`),
    fail(error, exitCode = exitCodeOf(error)) {
      const width = columnsOf(stderr);
      const text = errorText(error, { ...options, width }).split('\n').map(printable).join('\n');
      stderr.write(`${text}\n`);
      process.exitCode = exitCode;
    },
    outliveReaders() {
      outlives = true;
    },
  };
}
