import {
  formatBytes,
  formatDuration,
  paint,
  printable,
  type Cell,
  type Tone,
} from '@holdfast/protocol/base';
import { finalStates, type RunState, type RunView } from '../core/views.ts';
import type { Screen } from './link-line.ts';

const signs: Readonly<Record<RunState, readonly [sign: string, tone: Tone | undefined]>> = {
  pending: ['▷', undefined],
  running: ['▷', undefined],
  sleeping: ['⧖', 'dim'],
  'waiting-signal': ['⧖', 'dim'],
  'waiting-condition': ['⧖', 'dim'],
  'waiting-call': ['⧖', 'dim'],
  retrying: ['↻', 'yellow'],
  stuck: ['!', 'red'],
  paused: ['⧖', 'dim'],
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  cancelled: ['x', 'dim'],
};

/** A state with its sign: `↻ retrying`. */
export function stateCell(state: RunState): Cell {
  const [sign, tone] = signs[state];
  return { text: `${sign} ${state}`, tone, raw: state };
}

/** The same as text in colour. */
export function stateText(state: RunState, screen: Screen): string {
  const [sign, tone] = signs[state];
  return paint(`${sign} ${state}`, tone, screen.color);
}

/** When the run goes on by itself: `in 41 s`; `-` when that is not by time. */
export function nextText(run: RunView, screen: Screen): string {
  if (run.nextAt === null || finalStates.has(run.state)) return '-';
  const ms = Date.parse(run.nextAt) - screen.nowMs();
  return ms <= 0 ? 'now' : `in ${formatDuration(ms)}`;
}

/** A value may have tens of thousands of characters, and a line in a pipe has no width. */
const VALUE_CHARS_MAX = 200;

/**
 * A value on one line, as JSON, without what could steer the terminal, and cut to what a person
 * reads: `-o json` has all of it. An error is its name and message: its stack is for programs.
 */
export function valueText(value: unknown): string {
  if (isShownError(value)) return shorten(`${value.name}: ${value.message}`);
  if (isSealed(value)) return `(${value.$}, ${formatBytes(value.size)})`;
  return shorten(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}

function shorten(text: string): string {
  // No more is taken apart than may be shown: a character is at most two units.
  const shown = [...text.slice(0, 2 * VALUE_CHARS_MAX)].slice(0, VALUE_CHARS_MAX).join('');
  if (shown.length === text.length) return printable(text);
  return `${printable(shown)}… (${formatBytes(Buffer.byteLength(text))})`;
}

/** Whether it stands for a value that is not shown. */
function isSealed(value: unknown): value is { readonly $: string; readonly size: number } {
  if (typeof value !== 'object' || value === null || !('$' in value)) return false;
  const isSize = 'size' in value && typeof value.size === 'number';
  return isSize && (value.$ === 'local' || value.$ === 'erased');
}

/** Whether it is the JSON form of an error. */
function isShownError(
  value: unknown,
): value is { readonly name: string; readonly message: string } {
  if (typeof value !== 'object' || value === null || !('$' in value)) return false;
  return value.$ === 'error' && 'name' in value && 'message' in value;
}
