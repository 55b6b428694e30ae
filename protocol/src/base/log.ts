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

/** A log of one line a message. */
export function createLog(options: LogOptions): Log {
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (ranks[level] > ranks[options.level]) return;
    const time = new Date(options.nowMs()).toISOString();
    options.write(
      options.format === 'json'
        ? JSON.stringify({ time, level, component: options.component, msg: message, ...fields })
        : `${time} ${level === 'error' ? 'ERROR ' : ''}${message}${textFields(fields)}`,
    );
  };
  return { error: at('error'), info: at('info'), debug: at('debug') };
}

function textFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}
