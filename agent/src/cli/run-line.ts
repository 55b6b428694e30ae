import { formatDuration, paint, printable, type Cell, type Tone } from '@holdfast/protocol/base';
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
  const text = `${sign} ${state}`;
  return tone === undefined ? text : { text, tone };
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

/**
 * A value on one line, as JSON, without what could steer the terminal. An error is its name and
 * message: its stack is for programs.
 */
export function valueText(value: unknown): string {
  if (isShownError(value)) return printable(`${value.name}: ${value.message}`);
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}

/** Whether it is the JSON form of an error. */
function isShownError(
  value: unknown,
): value is { readonly name: string; readonly message: string } {
  if (typeof value !== 'object' || value === null || !('$' in value)) return false;
  return value.$ === 'error' && 'name' in value && 'message' in value;
}
