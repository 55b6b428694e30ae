/**
 * What is on a terminal after a text was written to it: enough of one for what our programs write,
 * and it fails at what it does not know.
 */
export class TerminalScreen {
  #columns: number;
  #rows: number;
  #main: string[][];
  #other: string[][] | undefined;
  #row = 0;
  #column = 0;
  #isHidden = false;
  #rest = '';

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#main = this.#blank();
  }

  /** Whether a program has a screen of its own at the moment. */
  get isOther(): boolean {
    return this.#other !== undefined;
  }

  get hasCursor(): boolean {
    return !this.#isHidden;
  }

  /** Its lines, without blanks at their ends and empty lines below. */
  get text(): string {
    return this.#cells
      .map((row) => row.join('').trimEnd())
      .join('\n')
      .trimEnd();
  }

  get #cells(): string[][] {
    return this.#other ?? this.#main;
  }

  /** Of another size, and empty: who has a screen draws it anew. */
  resize(columns: number, rows: number): void {
    [this.#columns, this.#rows] = [columns, rows];
    this.#main = this.#blank();
    if (this.#other !== undefined) this.#other = this.#blank();
    [this.#row, this.#column] = [0, 0];
  }

  write(text: string): void {
    const all = this.#rest + text;
    // eslint-disable-next-line no-control-regex -- Sequences begin with a control character.
    const cut = /\u001b(?:\[[0-9;?]*)?$/.exec(all)?.index ?? all.length;
    this.#rest = all.slice(cut);
    // eslint-disable-next-line no-control-regex -- Sequences begin with a control character.
    for (const part of all.slice(0, cut).match(/\u001b\[[0-9;?]*[A-Za-z]|[^]/gu) ?? []) {
      if (part.startsWith('\u001b')) this.#command(part.slice(2));
      else this.#character(part);
    }
  }

  #character(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#down();
    else {
      if (this.#column === this.#columns) {
        this.#column = 0;
        this.#down();
      }
      const row = this.#cells[this.#row];
      if (row !== undefined) row[this.#column] = character;
      this.#column += 1;
    }
  }

  #down(): void {
    if (this.#row + 1 < this.#rows) this.#row += 1;
    else {
      this.#cells.shift();
      this.#cells.push(this.#blankRow());
    }
  }

  #command(command: string): void {
    if (command.endsWith('m')) return;
    if (command === '?1049h') this.#other = this.#blank();
    else if (command === '?1049l') this.#other = undefined;
    else if (command === '?25l') this.#isHidden = true;
    else if (command === '?25h') this.#isHidden = false;
    else if (command === 'H') [this.#row, this.#column] = [0, 0];
    else if (command === 'K') this.#clear(this.#row, this.#row, this.#column);
    else if (command === 'J') this.#clear(this.#row, this.#rows - 1, this.#column);
    else if (/^\d+A$/.test(command)) this.#row = Math.max(0, this.#row - parseInt(command, 10));
    else throw new Error(`a terminal does not know ${JSON.stringify(command)}`);
  }

  #clear(first: number, last: number, column: number): void {
    for (let row = first; row <= last; row += 1) {
      this.#cells[row]?.fill(' ', row === first ? column : 0);
    }
  }

  #blank(): string[][] {
    return Array.from({ length: this.#rows }, () => this.#blankRow());
  }

  #blankRow(): string[] {
    return Array.from({ length: this.#columns }, () => ' ');
  }
}
