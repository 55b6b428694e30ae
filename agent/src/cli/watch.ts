import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, durationMs, Exit, HoldfastError } from '@holdfast/protocol/base';
import { Option } from 'commander';
import { LiveScreen, type Key } from './live-screen.ts';
import type { Format, TableFormat } from './output-format.ts';
import type { Shell } from './shell.ts';

/** Something that is looked at again and again. */
export interface Watch<T> {
  readonly read: () => Promise<T>;
  /** All of it, for a terminal. */
  readonly screen: (view: T) => string;
  /** A line of text, for a pipe that wants no JSON. */
  readonly line: (view: T) => string;
  /** What keys do beside those that end and hold it, for the last line. */
  readonly keys?: string;
  /** Whether the key changes what is shown. */
  readonly press?: (key: Key) => boolean;
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
/** Nobody watches for longer than that. */
const WATCH_MS_MAX = 86_400_000;

/** `true`: given without an interval. */
export type WatchFlag = string | true;

export function watchOption(): Option {
  return new Option('--watch [interval]', 'look again and again, by default each second');
}

/** @throws HF_DURATION_INVALID, HF_USAGE for what is too often. */
export function watchInterval(watch: WatchFlag): number {
  if (watch === true) return 1_000;
  const ms = durationMs(watch);
  if (ms < WATCH_MS_MIN || ms > WATCH_MS_MAX) {
    throw new HoldfastError('HF_USAGE', { why: `--watch=${watch} is not from 100ms to 1d` });
  }
  return ms;
}

/** @throws HF_USAGE for a table, which has an end. */
export function watchedFormat(format: TableFormat | undefined): Format | undefined {
  if (format !== 'csv' && format !== 'md') return format;
  const why = `it goes on with --watch or --follow as text or JSON, and not as --output ${format}`;
  throw new HoldfastError('HF_USAGE', { why });
}

const AWAY = 'No agent answers; looking again.';

/**
 * Looks until what is watched has ended, or a person ends it, or it is interrupted. An agent that
 * goes away after the first look is waited for: restarting is part of its life.
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
      await show.pause(options.intervalMs);
      if (show.isOver()) break;
    }
  } finally {
    show.end();
  }
  if (said !== undefined) shell.say(said);
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
  /** Resolves when it is time to look again. */
  pause(ms: number): Promise<void>;
  /** A person has ended it. */
  isOver(): boolean;
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
    pause: (ms) => pause(ms),
    isOver: () => false,
    end: () => undefined,
  };
}

/** A screen of its own, which keys hold and end. */
function screenShower<T>(shell: Shell, what: Watch<T>): Shower<T> {
  const screen = new LiveScreen(shell);
  const keys = ['q quit', 'p pause', ...(what.keys === undefined ? [] : [what.keys])].join(' · ');
  let shown: { readonly view: T; readonly isAway: boolean } | undefined;
  let [isHeld, isOver] = [false, false];
  let wake = (): void => undefined;
  const draw = (): void => {
    if (shown === undefined) return;
    const foot = isHeld ? `HELD: p goes on · ${keys}` : keys;
    screen.draw(`${what.screen(shown.view)}\n\n${shown.isAway ? AWAY : foot}`);
  };
  const press = (key: Key): void => {
    if (key === 'ctrl-c') process.exitCode = Exit.interrupted;
    isOver ||= key === 'q' || key === 'ctrl-c';
    if (key === 'p') isHeld = !isHeld;
    const isOther = what.press?.(key) === true;
    draw();
    // What is not there yet is asked for at once.
    if (isOver || isOther || (key === 'p' && !isHeld)) wake();
  };
  if (process.stdin.isTTY === true) screen.onKeys(press, draw);
  return {
    view(view) {
      shown = { view, isAway: false };
      draw();
    },
    away() {
      if (shown !== undefined) shown = { ...shown, isAway: true };
      draw();
    },
    pause: (ms) =>
      new Promise((resolve) => {
        const timer = setInterval(() => isHeld || wake(), ms);
        wake = () => {
          clearInterval(timer);
          resolve();
        };
      }),
    isOver: () => isOver,
    end: () => screen.close(shown === undefined ? '' : what.screen(shown.view)),
  };
}
