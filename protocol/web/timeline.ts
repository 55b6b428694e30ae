import type { ShownEntry } from './shown.ts';

/** What a run did or waited for, from when to when. */
export interface Span {
  /** Names it in its run. */
  readonly op: number;
  readonly name: string;
  readonly kind: 'step' | 'call' | 'sleep' | 'signal' | 'child' | 'other';
  readonly state: 'done' | 'failed' | 'open';
  readonly fromMs: number;
  /** `undefined`: it has not ended, as far as is known here. */
  readonly toMs: number | undefined;
  readonly attempts: number;
  readonly entries: readonly ShownEntry[];
}

const kinds: readonly (readonly [prefix: string, kind: Span['kind']])[] = [
  ['step.', 'step'],
  ['call.', 'call'],
  ['timer.', 'sleep'],
  ['signal.', 'signal'],
  ['child.', 'child'],
];

/** One whose time nobody knows stands where it arrived. */
const atMs = ({ at, arrivedAt }: ShownEntry): number => Date.parse(at ?? arrivedAt ?? '') || 0;

/** The spans of a run, in the order in which it began them. */
export function spansOf(entries: readonly ShownEntry[]): readonly Span[] {
  const byOp = new Map<number, ShownEntry[]>();
  for (const entry of entries.toSorted((a, b) => a.n - b.n)) {
    const { op, kind } = entry;
    if (op === 0 || isPassedOver(kind)) continue;
    const known = byOp.get(op);
    if (known === undefined) byOp.set(op, [entry]);
    else known.push(entry);
  }
  return [...byOp].toSorted(([a], [b]) => a - b).map(([op, each]) => spanOf(op, each));
}

function spanOf(op: number, entries: readonly ShownEntry[]): Span {
  const first = entries[0] as ShownEntry;
  const last = entries.at(-1) as ShownEntry;
  const kindText = first.kind ?? '';
  const kind = kinds.find(([prefix]) => kindText.startsWith(prefix))?.[1] ?? 'other';
  const isFailed = last.kind?.endsWith('.failed') === true;
  const isDone = isFailed || /\.(completed|fired|received|emitted|marked)$/.test(last.kind ?? '');
  return {
    op,
    name: first.name === '' ? kindText : first.name,
    kind,
    state: isFailed ? 'failed' : isDone ? 'done' : 'open',
    // A step is journaled when it ends; how long it took stands in its entry.
    fromMs: atMs(first) - first.tookMs,
    toMs: isDone ? atMs(last) : undefined,
    attempts: entries.reduce((most, { attempt }) => Math.max(most, attempt), 0),
    entries,
  };
}

/** It says how a run is, or holds a part of a value that another entry has. */
function isPassedOver(kind: string | null): boolean {
  return kind === 'run.status' || kind === 'value.part';
}

/** What is of no operation: how a run began and ended, what it was sent. */
export function ofRun(entries: readonly ShownEntry[]): readonly ShownEntry[] {
  const own = entries.filter(({ op, kind }) => op === 0 && !isPassedOver(kind));
  return own.toSorted((a, b) => a.n - b.n);
}

/** How long steps were at work, those at the same time once. */
export function workedMs(spans: readonly Span[]): number {
  const steps = spans
    .filter(({ kind, toMs }) => kind === 'step' && toMs !== undefined)
    .flatMap(({ entries }) => entries)
    .filter(({ tookMs }) => tookMs > 0)
    .map((entry) => ({ fromMs: atMs(entry) - entry.tookMs, toMs: atMs(entry) }));
  return merged(steps).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** From when to when. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What arrives sooner was not held up by anything. */
const AHEAD_MS = 3_000;

/**
 * When the device was ahead of the gateway: from what it did to its arrival, or to now, where that
 * took long. Stretches that touch are one.
 */
export function aheadOf(entries: readonly ShownEntry[], nowMs: number): readonly Stretch[] {
  const arrivedMs = ({ isPending, arrivedAt }: ShownEntry) =>
    isPending ? nowMs : Date.parse(arrivedAt ?? '');
  const late = entries
    .map((entry) => ({ fromMs: atMs(entry), toMs: arrivedMs(entry) }))
    .filter(({ fromMs, toMs }) => toMs - fromMs > AHEAD_MS);
  return merged(late);
}

/** In order; those that touch are one. */
function merged(stretches: readonly Stretch[]): readonly Stretch[] {
  const all: Stretch[] = [];
  for (const each of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = all.at(-1);
    if (last === undefined || each.fromMs > last.toMs) all.push(each);
    else all[all.length - 1] = { ...last, toMs: Math.max(last.toMs, each.toMs) };
  }
  return all;
}

/** A stretch of time with a place on the axis, from 0 to 1. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly from: number;
  readonly to: number;
  /** Nothing happened for so long that it is drawn shorter than it was. */
  readonly isCollapsed: boolean;
}

/** `active`: waits are drawn short. `clock`: an hour is an hour. */
export type Scale = 'active' | 'clock';

/** What a collapsed wait takes of the axis beside what happened. */
const WAIT_SHARE = 0.15;
const WAITS_SHARE_MAX = 0.6;
/** Waits below this part of the whole stay as they are. */
const LONG_PART = 0.15;

/**
 * An axis on which milliseconds of work and hours of waiting can both be read: long stretches
 * without any event are drawn short.
 */
export function axisOf(moments: readonly number[], scale: Scale = 'active'): readonly Segment[] {
  const points = [...new Set(moments)].toSorted((a, b) => a - b);
  const gaps = points.slice(1).map((toMs, at) => ({ fromMs: points[at] as number, toMs }));
  const wholeMs = (points.at(-1) ?? 0) - (points[0] ?? 0);
  const isLong = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
    toMs - fromMs > wholeMs * LONG_PART && toMs - fromMs > 2_000;
  const waits = gaps.filter(isLong).length;
  const isAllLong = scale === 'clock' || waits === gaps.length;
  const waitShare = isAllLong ? 0 : Math.min(WAIT_SHARE, WAITS_SHARE_MAX / Math.max(1, waits));
  const activeMs = gaps
    .filter((gap) => isAllLong || !isLong(gap))
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  let at = 0;
  return gaps.map((gap) => {
    const isCollapsed = !isAllLong && isLong(gap);
    const part = ((gap.toMs - gap.fromMs) / Math.max(1, activeMs)) * (1 - waits * waitShare);
    const from = at;
    at += isCollapsed ? waitShare : part;
    return { ...gap, from, to: at, isCollapsed };
  });
}

/** Where on the axis a moment is, from 0 to 1. */
export function placeOn(axis: readonly Segment[], ms: number): number {
  const segment = axis[firstNotBefore(axis, ms)];
  if (segment === undefined) return axis.at(-1)?.to ?? 0;
  const { fromMs, toMs, from, to } = segment;
  if (ms <= fromMs) return from;
  return from + ((ms - fromMs) / Math.max(1, toMs - fromMs)) * (to - from);
}

/** Place of the first segment that ends at this moment or behind it: there may be very many. */
function firstNotBefore(axis: readonly Segment[], ms: number): number {
  let [low, high] = [0, axis.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((axis[middle]?.toMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
