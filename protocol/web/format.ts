import { formatBytes, formatCount, formatDuration } from '@holdfast/protocol/base';

export { formatBytes, formatCount, formatDuration };

/** How long ago, in two words at most; a dash for never. */
export function ago(at: string | null | undefined, now = Date.now()): string {
  if (at === null || at === undefined) return '–';
  const ms = now - Date.parse(at);
  if (Math.abs(ms) < 1_500) return 'now';
  return ms < 0 ? `in ${formatDuration(-ms)}` : `${formatDuration(ms)} ago`;
}

/** A moment as a person of this place writes it. */
export function moment(at: string | null): string {
  if (at === null) return '–';
  return new Date(at).toLocaleString(undefined, {
    ...{ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
}

/** A value in one line; the whole is one click away. */
export function short(value: unknown, length = 80): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** How far a clock is from the one that is believed. */
export function aheadText(aheadMs: number): string {
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}
