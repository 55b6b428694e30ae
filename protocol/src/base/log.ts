import { hex } from './bytes.ts';
import { messageOf } from './errors.ts';
import type { Log, LogFields } from './ports.ts';

export type LogLevel = 'error' | 'info' | 'debug';

export interface LogOptions {
  readonly component: string;
  readonly level: LogLevel;
  /** `text` for a terminal, `json` for machines. */
  readonly format: 'text' | 'json';
  readonly nowMs: () => number;
  /** Takes one line without its end. */
  readonly write: (line: string) => void;
}

const ranks: Readonly<Record<LogLevel, number>> = { error: 0, info: 1, debug: 2 };

/** A log of one line a message, whatever the message and its fields hold. Never throws. */
export function createLog(options: LogOptions): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (ranks[level] > ranks[options.level]) return;
      const time = new Date(options.nowMs()).toISOString();
      const plain = plainFields(fields);
      options.write(
        options.format === 'json'
          ? JSON.stringify({
              time,
              level,
              component: options.component,
              msg: message,
              ...Object.fromEntries(plain),
            })
          : textLine({ time, level, message, plain }),
      );
    };
  return { error: at('error'), info: at('info'), debug: at('debug') };
}

/** The fields that have a value, in a form that JSON can say. */
export function plainFields(fields: LogFields): readonly (readonly [string, unknown])[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, plainField(value)] as const);
}

/** What JSON can say of a field: the message of an error, text for what JSON has no form for. */
function plainField(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Error) return messageOf(value);
  try {
    return JSON.stringify(value) === undefined ? messageOf(value) : value;
  } catch {
    return 'a value that cannot be shown';
  }
}

function textLine(line: {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly plain: readonly (readonly [string, unknown])[];
}): string {
  const fields = line.plain.map(([name, value]) => ` ${name}=${fieldText(value)}`).join('');
  // A peer's words may be in it: they must not begin a line of their own.
  const message = line.message.replace(/\p{Cc}+/gu, ' ');
  return `${line.time} ${line.level === 'error' ? 'ERROR ' : ''}${message}${fields}`;
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value)
    ? value
    : JSON.stringify(value);
}
