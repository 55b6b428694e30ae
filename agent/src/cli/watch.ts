import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, durationMs, HoldfastError } from '@holdfast/protocol/base';
import { Option } from 'commander';
import { LiveScreen } from './live-screen.ts';
import type { Format, TableFormat } from './output-format.ts';
import type { Shell } from './shell.ts';

/** Something that is looked at again and again. */
export interface Watch<T> {
  readonly read: () => Promise<T>;
  /** All of it, for a terminal. */
  readonly screen: (view: T) => string;
  /** A line of text, for a pipe that wants no JSON. */
  readonly line: (view: T) => string;
  /** What is said once nothing more is to be watched; `undefined`: go on. */
  readonly ended?: (view: T) => string | undefined;
}

export interface WatchOptions {
  readonly intervalMs: number;
  /** Default: a screen for a person on a terminal, lines of JSON for a pipe. */
  readonly output: Format | undefined;
}

/** More often would make the watching the agent's main work. */
const WATCH_MS_MIN = 100;

/** `true`: given without an interval. */
export type WatchFlag = string | true;

export function watchOption(): Option {
  return new Option('--watch [interval]', 'look again and again, by default each second');
}

/** @throws HF_DURATION_INVALID, HF_USAGE for what is too often. */
export function watchInterval(watch: WatchFlag): number {
  if (watch === true) return 1_000;
  const ms = durationMs(watch);
  if (ms < WATCH_MS_MIN) {
    throw new HoldfastError('HF_USAGE', { why: `--watch=${watch} is below ${WATCH_MS_MIN} ms` });
  }
  return ms;
}

/** @throws HF_USAGE for a table, which has an end. */
export function watchedFormat(format: TableFormat | undefined): Format | undefined {
  if (format !== 'csv' && format !== 'md') return format;
  const why = `what goes on is printed as text or JSON, not as ${format}`;
  throw new HoldfastError('HF_USAGE', { why });
}

const AWAY = 'No agent answers; looking again.';

/**
 * Looks until what is watched has ended, or until it is interrupted. An agent that goes away after
 * the first look is waited for: restarting is part of its life.
 *
 * @throws HF_AGENT_UNREACHABLE when none answers the first time.
 */
export async function watchAgain<T>(
  shell: Shell,
  what: Watch<T>,
  options: WatchOptions,
): Promise<void> {
  const first = await what.read();
  const show = shower(shell, what, options.output);
  let said: string | undefined;
  try {
    for (let view: T | undefined = first; ; view = await again(what)) {
      if (view === undefined) show.away();
      else {
        show.view(view);
        said = what.ended?.(view);
        if (said !== undefined) break;
      }
      await pause(options.intervalMs);
    }
  } finally {
    show.end();
  }
  shell.say(said);
}

/** `undefined`: the agent is away. */
async function again<T>({ read }: Watch<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) === 'HF_AGENT_UNREACHABLE') return undefined;
    throw error;
  }
}

interface Shower<T> {
  view(view: T): void;
  away(): void;
  end(): void;
}

function shower<T>(shell: Shell, what: Watch<T>, output: Format | undefined): Shower<T> {
  if (output === undefined && shell.isTerminal) return screenShower(shell, what);
  let isAway = false;
  return {
    view(view) {
      isAway = false;
      shell.print(output === 'text' ? what.line(view) : JSON.stringify(view));
    },
    away() {
      if (!isAway) shell.say(AWAY);
      isAway = true;
    },
    end: () => undefined,
  };
}

function screenShower<T>(shell: Shell, what: Watch<T>): Shower<T> {
  const screen = new LiveScreen(shell);
  let last = '';
  return {
    view(view) {
      last = what.screen(view);
      screen.draw(`${last}\n\nCtrl-C ends.`);
    },
    away: () => screen.draw(`${last}\n\n${AWAY}`),
    end: () => screen.close(last),
  };
}
