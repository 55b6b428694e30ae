import {
  tableChoice,
  wantsColor,
  wrapLine,
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
  const isJson = terminal.format === 'json';
  terminal.print(isJson ? JSON.stringify(view) : fitted(text(view), terminal));
}

/** What is beside a secret that is alone on stdout, so that it can go to a file. */
export function note(terminal: Terminal, text: string): void {
  process.stderr.write(`${fitted(text, terminal)}\n`);
}

/** Sentences go on in the next line; a row of a table is no wider. */
function fitted(text: string, { width }: Terminal): string {
  const lines = text.split('\n').map((line) => wrapLine(line, width, 2));
  return lines.join('\n');
}
