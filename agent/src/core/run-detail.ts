import {
  HoldfastError,
  decodeEntry,
  decodeValue,
  displayValue,
  hex,
  messageOf,
  readSealed,
  valueFieldOf,
  valueIn,
  withValue,
  type Entry,
  type Lane,
} from '@holdfast/protocol';
import type { EntryTime } from './entry-times.ts';
import type { StoredEntry } from './entry-row.ts';
import type { Standing } from './progress.ts';
import { time } from './rfc3339.ts';
import type {
  ErrorView,
  ExportedEntry,
  HistoryRow,
  LastError,
  RunDetailView,
  RunState,
} from './views.ts';

/** One place of a history. What is there may be gone, or not decode: the others are shown. */
export interface StoredPlace {
  readonly n: number;
  readonly lane: Lane;
  readonly seq: number;
  readonly stored: StoredEntry | undefined;
  /** What was sealed of it, where that is to be shown. */
  readonly content?: Uint8Array | undefined;
}

/** The entries of a history that can be read. */
export function readable(places: readonly StoredPlace[]): readonly Entry[] {
  return places.flatMap((place) => entryAt(place) ?? []);
}

/** The entry in the bytes; `undefined`: it is gone, or they do not decode. */
export function readEntry(stored: Pick<StoredEntry, 'bytes'> | undefined): Entry | undefined {
  try {
    return stored && decodeEntry(stored.bytes);
  } catch {
    return undefined; // Shown as unreadable; `verify` names what is damaged.
  }
}

/** The entry at a place, with the content that is to be shown of it. */
export function entryAt(place: Pick<StoredPlace, 'stored' | 'content'>): Entry | undefined {
  const entry = readEntry(place.stored);
  return entry && place.content ? withValue(entry, place.content) : entry;
}

/** JSON form of what an entry carries. */
export function valueOf(entry: Entry): unknown {
  if (valueFieldOf(entry) !== undefined) return displayValue(valueIn(entry));
  return 'reason' in entry ? entry.reason : null;
}

export function historyRow(at: StoredPlace, acked: number, when: EntryTime): HistoryRow {
  const { n, lane, seq } = at;
  const place = { n, lane, seq, synced: seq <= acked, ...when };
  const entry = entryAt(at);
  if (entry === undefined) return { ...place, ...unreadable };
  return {
    ...place,
    ...{ kind: entry.kind, value: valueOf(entry) },
    name: 'name' in entry ? entry.name : null,
    attempt: 'attempt' in entry ? entry.attempt : null,
    op: 'op' in entry && entry.op > 0 ? entry.op : null,
    tookMs: 'tookMs' in entry ? entry.tookMs : null,
  };
}

const unreadable = {
  ...{ kind: 'unreadable', name: null, attempt: null, value: null },
  ...{ op: null, tookMs: null },
} as const;

/** What a run that has ended came to. */
export function endOf(history: readonly Entry[]): Pick<RunDetailView, 'output' | 'error'> {
  const last = history.at(-1);
  if (last?.kind === 'run.completed') return { output: displayValue(last.output) };
  return last?.kind === 'run.failed' ? { error: errorView(last.error) } : {};
}

function errorView(encoded: Uint8Array): ErrorView {
  const error = leavingError(encoded);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return {
    name: error instanceof Error ? error.name : typeof error,
    message: messageOf(error),
    ...(typeof code === 'string' ? { code } : {}),
  };
}

/** What is to be seen of an error of which only names and codes leave. */
function leavingError(encoded: Uint8Array): unknown {
  try {
    return decodeValue(readSealed(encoded)?.shown ?? encoded);
  } catch (error) {
    return error; // It was erased, which is all that can be said.
  }
}

/** The last failure of an operation that has not succeeded since. */
export function lastErrorOf(history: readonly Entry[]): LastError | null {
  const overcome = new Set<number>();
  for (const entry of history.toReversed()) {
    if (!('op' in entry) || !('name' in entry)) continue;
    if (successes.has(entry.kind)) overcome.add(entry.op);
    if (!('error' in entry) || overcome.has(entry.op)) continue;
    const attempt = 'attempt' in entry ? entry.attempt : 0;
    return { ...errorView(entry.error), step: entry.name, attempt, at: time(entry.atMs) };
  }
  return null;
}

const successes: ReadonlySet<Entry['kind']> = new Set([
  'step.completed',
  'call.completed',
  'child.completed',
]);

/** What the outside has to do for the run to go on, in words. */
export function waitsFor(standing: Standing, history: readonly Entry[]): string | null {
  const say = sentences[standing.state];
  return say === undefined ? null : say(standing.at, history);
}

type Sentence = (at: string, history: readonly Entry[]) => string;

const sentences: Partial<Readonly<Record<RunState, Sentence>>> = {
  sleeping: (at) => (at === 'sleep' ? 'the end of its sleep' : `the next look of ${at}`),
  retrying: (at) => `the next attempt of ${at}`,
  paused: () => 'somebody to resume it',
  stuck: () => 'a person',
  'waiting-call': (at) => `the result of call ${at} from the gateway`,
  'waiting-condition': (at) => {
    const [, step, condition] = /^(.+?) \((.+)\)$/s.exec(at) ?? [];
    return condition === undefined ? `a condition, for ${at}` : `${condition}, for ${step}`;
  },
  'waiting-signal': (at, history) => {
    const begun = history.findLast(
      (entry) =>
        (entry.kind === 'child.started' || entry.kind === 'step.handed') && entry.name === at,
    );
    if (begun?.kind === 'child.started') return `child run ${begun.child}`;
    return begun === undefined ? `signal ${at}` : `somebody to complete ${at} by its token`;
  },
};

/** @throws HF_ENTRY_DAMAGED when it is gone: a history with a gap replays as another one. */
export function exportedEntry(place: StoredPlace): ExportedEntry {
  const { n, lane, seq, stored, content } = place;
  if (stored === undefined) {
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `entry ${seq} of lane ${lane} is gone` });
  }
  const entry = entryAt(place);
  const view = entry === undefined ? null : entryView(entry);
  const sealed = content === undefined ? {} : { content: hex(content) };
  return { n, lane, seq, bytes: hex(stored.bytes), ...sealed, entry: view };
}

/** JSON form of an entry. */
export function entryView(entry: Entry): Readonly<Record<string, unknown>> {
  const show = (value: unknown): unknown =>
    value instanceof Uint8Array ? displayValue(value) : value;
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, show(value)]));
}
