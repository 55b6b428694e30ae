import { formatCount } from './units.ts';

/** Red: act now. Yellow: watch. Green: the words `synced` and `✓`. Cyan: ids. Dim: secondary. */
export type Tone = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold';

const tones: Readonly<Record<Tone, readonly [number, number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** The text in a tone, or as it is where colours are not wanted. */
export function paint(text: string, tone: Tone | undefined, color: boolean): string {
  if (!color || tone === undefined || text === '') return text;
  const [on, off] = tones[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Whether output to this stream is to be coloured, by <https://no-color.org> and `TERM`. */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/**
 * Text that came from elsewhere, safe to print: control characters, which could steer the
 * terminal, and overrides of the writing direction are shown as `·`.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- Control characters are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '·');
}

/** How long ago, in one unit: `now`, `12s ago`, `4m ago`, `3h ago`, `2d ago`; or `in 4m`. */
export function relativeTime(agoMs: number): string {
  const seconds = Math.floor(Math.abs(agoMs) / 1_000);
  if (seconds === 0) return 'now';
  const text =
    seconds < 60
      ? `${seconds}s`
      : seconds < 3_600
        ? `${Math.floor(seconds / 60)}m`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3_600)}h`
          : `${formatCount(Math.floor(seconds / 86_400))}d`;
  return agoMs < 0 ? `in ${text}` : `${text} ago`;
}
