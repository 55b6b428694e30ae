import { fitScreen, type ScreenSize } from './fit-screen.ts';
import type { Shell } from './shell.ts';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** Draws over what was there, so that nothing flickers; what is left of it is cleared behind. */
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A key as it was pressed: a character, or a name such as `up`, `enter`, `escape`, `ctrl-c`. */
export type Key = string;

const named: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'ctrl-c',
  '\t': 'tab',
};

/** The keys in what a terminal sends; sequences that are not known say nothing. */
export function keysOf(text: string): readonly Key[] {
  // eslint-disable-next-line no-control-regex -- Sequences begin with a control character.
  const parts = text.match(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[^]/gu) ?? [];
  return parts.flatMap((part) => named[part] ?? (/^\P{Cc}$/u.test(part) ? [part] : []));
}

/**
 * A screen of its own, so that what was on the terminal is there again afterwards, however the
 * process ends.
 */
export class LiveScreen {
  readonly #shell: Shell;
  readonly #leave = () => this.#restore();
  #stopKeys = (): void => undefined;
  #isOpen = true;

  constructor(shell: Shell) {
    this.#shell = shell;
    process.once('exit', this.#leave);
    shell.write(ENTER);
  }

  get size(): ScreenSize {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  /** Shows the text; what does not fit is cut, and that is said. */
  draw(text: string): void {
    const lines = fitScreen(text, this.size).join(`${CLEAR_LINE}\r\n`);
    this.#shell.write(`${HOME}${lines}${CLEAR_LINE}${CLEAR_BELOW}`);
  }

  /** Calls for each key, and when the terminal has another size. */
  onKeys(take: (key: Key) => void, resized: () => void): void {
    const { stdin, stdout } = process;
    const data = (chunk: Buffer) => keysOf(chunk.toString('utf8')).forEach(take);
    stdin.setRawMode?.(true);
    stdin.on('data', data).resume();
    stdout.on('resize', resized);
    this.#stopKeys = () => {
      stdin.off('data', data).pause();
      stdin.setRawMode?.(false);
      stdout.off('resize', resized);
    };
  }

  /** Gives the terminal back, with a last look at what was shown where there is one. */
  close(last = ''): void {
    process.off('exit', this.#leave);
    this.#restore();
    if (last !== '') this.#shell.print(last);
  }

  #restore(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopKeys();
    this.#shell.write(LEAVE);
  }
}
