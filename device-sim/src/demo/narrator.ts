import { styleText } from 'node:util';

export interface Narrator {
  /** One event of the story. */
  say(who: string, what: string): void;
  /** The present, in one line: redrawn in place on a terminal, left out elsewhere. */
  show(line: string): void;
  /** Text that stands by itself. */
  print(text: string): void;
}

export interface NarratorOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly color: boolean;
  /** Milliseconds since the story began. */
  readonly elapsedMs: () => number;
}

/** Tells the story of a scenario line by line. */
export function createNarrator(options: NarratorOptions): Narrator {
  const { write, isTerminal, color, elapsedMs } = options;
  let shown = false;
  const clear = (): void => {
    if (shown) write('\r\u001b[2K');
    shown = false;
  };
  const dim = (text: string): string => (color ? styleText('dim', text) : text);
  const strong = (text: string): string => (color ? styleText('bold', text) : text);
  return {
    say(who, what) {
      clear();
      const time = `${(elapsedMs() / 1_000).toFixed(1).padStart(5)} s`;
      write(`${dim(time)}  ${strong(who.padEnd(8))}  ${what}\n`);
    },
    show(line) {
      if (!isTerminal) return;
      clear();
      write(`         ${dim(line)}`);
      shown = true;
    },
    print(text) {
      clear();
      write(`${text}\n`);
    },
  };
}
