import { HoldfastError } from './errors.ts';

/** Milliseconds as a number, or text such as `250ms`, `1.5s`, `15m`, `3h`, `2d`, `1w`. */
export type Duration = number | string;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A hundred years: longer is a mistake, and would leave the range of exact integers soon. */
export const DURATION_MS_MAX = 100 * 365 * 86_400_000;

/**
 * Reads a duration.
 *
 * @returns Whole milliseconds, 0 to a hundred years.
 * @throws HF_DURATION_INVALID for anything else, before any effect.
 */
export function durationMs(duration: Duration): number {
  const ms = typeof duration === 'string' ? parseDuration(duration) : duration;
  if (typeof ms !== 'number' || !(ms >= 0) || ms > DURATION_MS_MAX) {
    throw new HoldfastError('HF_DURATION_INVALID', { why: `got ${String(duration)}` });
  }
  return Math.ceil(ms);
}

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(text.trim());
  const scale = unitMs[match?.[2] ?? ''];
  return match === null || scale === undefined ? Number.NaN : Number(match[1]) * scale;
}

/** A duration as a person says it: `850 ms`, `12 s`, `4m 10s`, `3h 12m`, `2d 4h`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (days) return pair(days, 'd', Math.floor((seconds % 86_400) / 3_600), 'h');
  if (hours) return pair(hours, 'h', Math.floor((seconds % 3_600) / 60), 'm');
  return pair(minutes ?? 0, 'm', seconds % 60, 's');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

/** A size as a person says it: `812 B`, `14.2 KiB`, `2.1 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1_024 ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

/** A count with separators: `48,213`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
