import {
  HoldfastError,
  VALUE_BYTES_MAX,
  VALUE_INLINE_MAX,
  decodeEntry,
  isParted,
  joinParts,
  partedValue,
  readParted,
  valueIn,
  withValue,
  type Entry,
  type EntryOf,
  type Lane,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import type { Draft } from './journal.ts';
import { parseStored } from './entry-row.ts';
import { laneRange, seqOfEntryKey } from './keys.ts';
import type { OpRequest } from './op.ts';

/** How large values may be. */
export interface ValueLimits {
  /** Bytes of one that is in its entry; a larger one is in parts. */
  readonly inlineMax: () => number;
}

export const valueLimits: ValueLimits = Object.freeze({ inlineMax: () => VALUE_INLINE_MAX });

/** What an entry and its message have around a value, at most. */
const AROUND_BYTES = 2_048;
/** However small the messages and slow the link: the number of parts is bounded, too. */
const INLINE_BYTES_MIN = 512;

/** Values that fit into messages of this size, which may change. */
export function valuesWithin(messageBytesMax: () => number): ValueLimits {
  const fits = () => Math.max(INLINE_BYTES_MIN, messageBytesMax() - AROUND_BYTES);
  return { inlineMax: () => Math.min(VALUE_INLINE_MAX, fits()) };
}

/** Of one part; less where the link is known to be slow, since an alarm waits behind it. */
const PART_BYTES_MAX = 16 * 1024;

/** What of a journal tells how drafts are split. */
interface SplitPorts {
  readonly sha256: Sha256;
  readonly values: ValueLimits;
}

/**
 * The entries of a draft: itself, or its value in parts and then itself. Of a run, the parts come
 * behind it in the history, and before it in the lane.
 *
 * @throws HF_VALUE_TOO_LARGE for a value that is larger than its place allows.
 */
export function splitDraft(draft: Draft, { sha256, values }: SplitPorts): readonly Draft[] {
  const { body, contents } = draft;
  const value = valueIn(body);
  const inlineMax = values.inlineMax();
  if (value.length <= inlineMax && contents === undefined) return [draft];
  checkSize(draft);
  // What travels beside an entry is in one piece.
  if (contents !== undefined) return [draft];
  const size = Math.min(PART_BYTES_MAX, inlineMax);
  const count = Math.ceil(value.length / size);
  const [run, n] = 'run' in body && body.run !== '' ? [body.run, body.n] : ['', undefined];
  const parts = Array.from({ length: count }, (_, index): Draft => {
    const part = value.subarray(index * size, (index + 1) * size);
    const place = { run, n: n === undefined ? 0 : n + 1 + index };
    return { ...draft, body: { kind: 'value.part', ...place, left: count - index, part } };
  });
  return [...parts, { ...draft, body: withValue(body, partedValue(sha256, value, count)) }];
}

/**
 * Values of marked and of urgent entries, and of those about somebody, are in no parts.
 *
 * @throws HF_VALUE_TOO_LARGE
 */
export function checkGiven(request: OpRequest, subject: string): void {
  if (request.kind !== 'emit' || (request.seal === undefined && subject === '')) return;
  const { length: bytes } = request.payload;
  if (bytes > VALUE_INLINE_MAX) throw tooLarge(request.name, { bytes, bytesMax: VALUE_INLINE_MAX });
}

function checkSize({ body, lane, contents }: Draft): void {
  const sealed = [contents?.kept, contents?.carried].map((row) => row?.length ?? 0);
  const bytes = Math.max(valueIn(body).length, ...sealed);
  const isShort = lane === 'urgent' || body.kind === 'run.status' || contents !== undefined;
  const bytesMax = isShort ? VALUE_INLINE_MAX : VALUE_BYTES_MAX;
  if (bytes <= bytesMax) return;
  throw tooLarge(body.kind, { bytes, bytesMax });
}

function tooLarge(
  what: string,
  details: { readonly bytes: number; readonly bytesMax: number },
): HoldfastError {
  const { bytes, bytesMax } = details;
  const because = bytesMax < VALUE_BYTES_MAX ? ': it is urgent, marked, or about somebody' : '';
  const why = `the value of ${what} takes ${bytes} bytes, of at most ${bytesMax}${because}`;
  return new HoldfastError('HF_VALUE_TOO_LARGE', { why, details });
}

interface PlacedEntry {
  readonly lane: Lane;
  readonly seq: number;
  readonly entry: Entry;
}

/**
 * The value of an entry that is in the entries before it; `undefined`: it has it in itself.
 *
 * @throws HF_ENTRY_DAMAGED when a part is missing or changed.
 */
export async function wholeValue(
  ports: { readonly store: Store; readonly sha256: Sha256 },
  { lane, seq, entry }: PlacedEntry,
): Promise<Uint8Array | undefined> {
  const value = valueIn(entry);
  const parted = isParted(value) ? readParted(value) : undefined;
  if (parted === undefined) return undefined;
  const { count } = parted;
  const from = Math.max(1, seq - count);
  const rows = await ports.store.scan({ ...laneRange(lane, from), limit: count });
  const bySeq = new Map(rows.map(({ key, value: row }) => [seqOfEntryKey(key), row]));
  const parts = Array.from({ length: count }, (_, index) => {
    const at = seq - count + index;
    const row = bySeq.get(at);
    return row && partIn(parseStored(at, row).bytes);
  });
  return joinParts(ports.sha256, parted, parts);
}

function partIn(bytes: Uint8Array): EntryOf<'value.part'> | undefined {
  try {
    const entry = decodeEntry(bytes);
    return entry.kind === 'value.part' ? entry : undefined;
  } catch {
    return undefined;
  }
}
