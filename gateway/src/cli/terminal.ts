import {
  tableChoice,
  wantsColor,
  type ProgressPlace,
  type TableChoice,
  type TableFlags,
} from '@holdfast/protocol';

export type OutputFormat = 'text' | 'json';

/** The world of a command that prints. */
export interface Terminal {
  readonly format: OutputFormat;
  readonly color: boolean;
  /** Columns; `undefined`: output does not go to a terminal, nothing is cut. */
  readonly width: number | undefined;
  readonly nowMs: number;
  /** What of a table is shown. Default: what fits. */
  readonly table?: TableChoice;
  /** Where long work tells how far it is. */
  readonly progress: ProgressPlace;
  /** Prints lines to stdout; the last line end is added. */
  print(text: string): void;
}

/** @param output Of tables also `jsonl`, `csv` and `md`. */
export function createTerminal(output: string, flags: TableFlags = {}): Terminal {
  const { stdout, stderr } = process;
  return {
    format: /^jsonl?$/.test(output) ? 'json' : 'text',
    color: wantsColor(stdout, process.env),
    width: stdout.isTTY ? stdout.columns : undefined,
    nowMs: Date.now(),
    table: tableChoice(flags),
    progress: {
      isTerminal: stderr.isTTY && process.env['TERM'] !== 'dumb',
      columns: () => stderr.columns,
      every: (ms, look) => {
        const timer = setInterval(look, ms);
        return () => clearInterval(timer);
      },
      nowMs: () => performance.now(),
      write: (text) => void stderr.write(text),
    },
    print: (text) => void stdout.write(`${text}\n`),
  };
}

/** For what prints all the while: on a terminal that is progress enough, and would tear a bar. */
export function progressBeside({ width, progress }: Terminal): ProgressPlace {
  return width === undefined ? progress : { ...progress, write: () => undefined };
}

/** Prints a view: as one line of JSON, or as text. */
export function show<V>(terminal: Terminal, view: V, text: (view: V) => string): void {
  terminal.print(terminal.format === 'json' ? JSON.stringify(view) : text(view));
}
