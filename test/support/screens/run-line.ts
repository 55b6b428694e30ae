/** A part of what a line prints, for those behind it. */
export interface Keep {
  readonly name: string;
  /** A pattern whose first group is kept; of JSON, the first `id`. */
  readonly text: string;
}

/** A command line for `run-lines.js`. */
export interface RunLine {
  /** `$NAME` in a word stands for what an earlier line has kept. */
  readonly args: readonly string[];
  readonly keep?: Keep | undefined;
}

export interface RunLines {
  /** What names in words stand for from the beginning. */
  readonly given: Readonly<Record<string, string>>;
  readonly lines: readonly RunLine[];
}

/** Written behind what a line prints, and followed by its exit code. */
export const LINE_END = '\u001e';
