import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, durationMs, Exit, HoldfastError } from '@holdfast/protocol';
import { Option } from 'commander';
import type { Terminal } from './terminal.ts';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** Draws over what was there, so that nothing flickers; what is left of it is cleared behind. */
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** More often would make the watching the gateway's main work. */
const WATCH_MS_MIN = 100;
/** Nobody watches for longer than that. */
const WATCH_MS_MAX = 86_400_000;

/** `true`: given without an interval. */
export type WatchFlag = string | true;

export const watchOption = (): Option =>
  new Option('--watch [interval]', 'look again and again, by default each second');

/** Something that is looked at. */
export interface Look<V> {
  readonly read: () => Promise<V>;
  readonly text: (view: V, at: Terminal) => string;
}

const AWAY = 'No gateway answers; looking again.';

/**
 * A view, again and again, until it is interrupted: a screen, or a line of JSON into a pipe. A
 * gateway that goes away after the first look is waited for.
 */
export async function watch<V>(
  terminal: Terminal,
  flag: WatchFlag,
  look: Look<V>,
): Promise<never> {
  const intervalMs = flag === true ? 1_000 : durationMs(flag);
  if (intervalMs < WATCH_MS_MIN || intervalMs > WATCH_MS_MAX) {
    const why = `--watch=${String(flag)} is not from 100ms to 1d`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  if (terminal.table?.form !== undefined) {
    const why = `--watch prints text or JSON, and no --output ${terminal.table.form}`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  const isScreen = terminal.width !== undefined && terminal.format === 'text';
  let view = await look.read();
  endOnSignals(isScreen ? LEAVE : '');
  if (isScreen) process.stdout.write(ENTER);
  try {
    for (let isAway = false; ; ) {
      const now = { ...terminal, nowMs: Date.now(), width: process.stdout.columns };
      if (isScreen) draw(look.text(view, now), isAway ? AWAY : 'Ctrl-C ends.');
      else if (!isAway) terminal.print(JSON.stringify(view));
      await pause(intervalMs);
      const next = await again(look);
      if (next === undefined && !isAway && !isScreen) process.stderr.write(`${AWAY}\n`);
      isAway = next === undefined;
      view = next ?? view;
    }
  } finally {
    if (isScreen) process.stdout.write(LEAVE);
  }
}

/** `undefined`: the gateway is away. */
async function again<V>({ read }: Look<V>): Promise<V | undefined> {
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) === 'HF_GATEWAY_UNREACHABLE') return undefined;
    throw error;
  }
}

/** @param last What gives the terminal back: what was on it is there again afterwards. */
function endOnSignals(last: string): void {
  const end = (code: number) => (): void => {
    process.stdout.write(last);
    process.exit(code);
  };
  process.once('SIGINT', end(Exit.interrupted));
  process.once('SIGTERM', end(Exit.terminated));
}

function draw(text: string, foot: string): void {
  const rows = (process.stdout.rows || 24) - 1;
  const all = [...text.split('\n'), '', foot];
  const lines = all.length > rows ? [...all.slice(0, rows - 1), '(more than fits here)'] : all;
  const shown = lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n');
  process.stdout.write(`${HOME}${shown}${CLEAR_BELOW}`);
}
