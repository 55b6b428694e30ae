import { plainFields, type Log, type LogFields, type LogLevel } from '@holdfast/protocol';
import { time } from './rfc3339.ts';

/** A line of the log of an agent. */
export interface LogRow {
  /** Counts from 1 since the agent started; debug lines are not kept. */
  readonly n: number;
  readonly at: string;
  readonly level: 'error' | 'info';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LogsView {
  readonly schema: 'holdfast.logs/1';
  readonly device: string;
  /** Oldest first. */
  readonly lines: readonly LogRow[];
}

/** As many as a person looks through, and little memory: a line takes some 200 bytes. */
const KEPT_MAX = 2_000;
const KEPT_BYTES_MAX = 512 * 1_024;

/** A log that hands every line on and remembers the newest: a device has no other place to look. */
export class KeptLog implements Log {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #lines: { readonly row: LogRow; readonly bytes: number }[] = [];
  #count = 0;
  #bytes = 0;

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
    this.#log.error(message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
    this.#log.info(message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#log.debug(message, fields);
  }

  /** The newest `limit` of those behind line `after`, oldest first. */
  lines({ after, limit }: { readonly after: number; readonly limit: number }): readonly LogRow[] {
    const behind = this.#lines.map(({ row }) => row).filter(({ n }) => n > after);
    return behind.slice(-limit);
  }

  #keep(level: Exclude<LogLevel, 'debug'>, message: string, fields: LogFields = {}): void {
    const plain = plainFields(fields);
    this.#count += 1;
    const row: LogRow = {
      ...{ n: this.#count, at: time(this.#nowMs()), level, message },
      fields: Object.fromEntries(plain),
    };
    const bytes = JSON.stringify(row).length;
    this.#lines.push({ row, bytes });
    this.#bytes += bytes;
    while (this.#lines.length > KEPT_MAX || this.#bytes > KEPT_BYTES_MAX) {
      this.#bytes -= this.#lines.shift()?.bytes ?? 0;
    }
  }
}
