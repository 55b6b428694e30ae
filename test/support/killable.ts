import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS } from './patience.ts';

/** A process of a support file, and the lines that it has printed. */
export class Killable {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onLine = (): void => {};

  /** @param shell What a shell does before it becomes the process, for example `ulimit -f 8`. */
  constructor(file: string, args: readonly string[], shell = ':') {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const command = ['-c', `${shell}; exec "$@"`, 'sh', process.execPath, path, ...args];
    const child = spawn('/bin/sh', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    this.#ended = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#onLine();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves once it has printed that many lines. Rejects when it ends before, or too late. */
  async printed(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#onLine = () => {
        if (this.lines.length >= count) resolve();
      };
      this.#onLine();
    });
    const late = new AbortController();
    const timeout = setTimeout(() => late.abort(), PATIENCE_MS);
    const tooLate = once(late.signal, 'abort');
    await Promise.race([enough, this.#ended, tooLate]).finally(() => clearTimeout(timeout));
    if (this.lines.length < count) throw new Error(`only ${this.lines.length} of ${count} lines`);
  }

  /** Resolves once it has ended by itself. */
  async end(): Promise<void> {
    await this.#ended;
  }

  /** SIGKILL. Resolves once it is gone and all that it had printed is in `lines`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
