import {
  HoldfastError,
  encodeThrown,
  type Command,
  type Sha256,
  type StoreRow,
} from '@holdfast/protocol';
import { contentsAt, nothing, subjectHash, type Place } from './ledger-contents.ts';
import {
  aboutSubject,
  behind,
  commandKeyOf,
  contentKey,
  erasedKey,
  erasureKey,
  parseSubjectKey,
  prefixOf,
} from './ledger-keys.ts';
import {
  ERASURE_RANGES_MAX,
  commandRow,
  contentRow,
  erasedRow,
  erasureRow,
  type ContentRow,
  type ErasureRow,
} from './ledger-rows.ts';
import type { LedgerStore, Reads } from './ledger-store.ts';
import type { Erasure, ErasureRequest } from './ledger.ts';

/** Contents in one transaction: each may have 56 KiB. */
const PAGE = 256;

interface Parts {
  readonly store: LedgerStore;
  readonly sha256: Sha256;
}

/**
 * Deletes what is held on a subject: contents of entries, with their salts, and the results of
 * calls that went back to devices. Entries, and with them every chain, stay as they are.
 *
 * That it is to be erased is durable first, so that nothing of it is taken again; then come pages
 * of contents, each a transaction with the count so far. What stopped short can be begun again.
 */
export async function eraseSubject(parts: Parts, request: ErasureRequest): Promise<Erasure> {
  const { store, sha256 } = parts;
  const subject = subjectHash(sha256, request.subject);
  const { atMs, by, reason } = request;
  let receipt: ErasureRow = {
    ...{ atMs, by, reason, subject, contents: 0, bytes: 0, commands: 0 },
    ...{ isComplete: 0, ranges: [] },
  };
  const key = erasureKey(atMs, subject);
  await store.submit({
    devices: [],
    reads: () => [erasedKey(subject)],
    bytes: 1_024,
    erasure: 'makes',
    apply: (draft) => {
      const before = draft.get(erasedKey(subject), erasedRow);
      const erasedAtMs = Math.max(atMs, before?.erasedAtMs ?? 0);
      draft.put(erasedKey(subject), erasedRow.encode({ erasedAtMs, late: before?.late ?? 0 }));
      draft.put(key, erasureRow.encode(receipt));
    },
  });
  for (const page of [contentPage, answerPage]) {
    const prefix = aboutSubject(page === contentPage ? 'subject' : 'answer', subject);
    for (;;) {
      const rows = await store.scan({ from: prefix, to: behind(prefix), limit: PAGE });
      if (rows.length === 0) break;
      receipt = await page(parts, rows, receipt);
    }
  }
  receipt = { ...receipt, isComplete: 1 };
  await store.submit({
    devices: [],
    reads: () => [],
    bytes: 1_024,
    apply: (draft) => draft.put(key, erasureRow.encode(receipt)),
  });
  // What is deleted lies in the files until they are written anew.
  for (const table of ['content', 'command', 'call'] as const) {
    await store.compact({ from: prefixOf(table), to: behind(prefixOf(table)) });
  }
  return erasureOf(receipt);
}

async function contentPage(
  { store }: Parts,
  rows: readonly StoreRow[],
  before: ErasureRow,
): Promise<ErasureRow> {
  const places = rows.flatMap(({ key }) => parseSubjectKey(key) ?? []);
  const contents = await contentsAt(store, places);
  const erased: ContentRow = { ...nothing, state: 'erased', erasedAtMs: before.atMs };
  const bytes = contents.reduce((sum, row) => sum + (row?.content.byteLength ?? 0), 0);
  const receipt = {
    ...before,
    contents: before.contents + places.length,
    bytes: before.bytes + bytes,
    ranges: withPlaces(before.ranges, places),
  };
  await store.submit({
    devices: [],
    reads: () => [],
    bytes: 512 * rows.length,
    erasure: 'makes',
    apply: (draft) => {
      for (const place of places) draft.put(contentKey(place), contentRow.encode(erased));
      for (const { key } of rows) draft.delete(key);
      draft.put(erasureKey(receipt.atMs, receipt.subject), erasureRow.encode(receipt));
    },
  });
  return receipt;
}

/** A command that nobody has fetched yet brings a failure then: what it had is gone. */
async function answerPage(
  { store }: Parts,
  rows: readonly StoreRow[],
  before: ErasureRow,
): Promise<ErasureRow> {
  const keys = rows.map(({ key }) => commandKeyOf(key));
  const commands = await store.getMany(keys);
  const receipt = { ...before, commands: before.commands + rows.length };
  await store.submit({
    devices: [],
    reads: () => [],
    bytes: 512 * rows.length,
    apply: (draft) => {
      commands.forEach((row, index) => {
        const key = keys[index];
        if (row === undefined || key === undefined) return;
        draft.put(key, commandRow.encode(withoutPayload(commandRow.decode(row))));
      });
      for (const { key } of rows) draft.delete(key);
      draft.put(erasureKey(receipt.atMs, receipt.subject), erasureRow.encode(receipt));
    },
  });
  return receipt;
}

function withoutPayload(command: Command): Command {
  return { ...command, kind: 'call.failed', payload: erasedError() };
}

/** What a call ends with whose input, or whose result, was erased. */
export function erasedError(): Uint8Array {
  const error = new HoldfastError('HF_VALUE_SEALED', { why: 'it is erased' });
  error.stack = String(error);
  return encodeThrown(error);
}

function withPlaces(before: ErasureRow['ranges'], places: readonly Place[]): ErasureRow['ranges'] {
  const ranges = [...before];
  for (const { device, epoch, lane, seq } of places) {
    const last = ranges.at(-1);
    if (last !== undefined && isBehind(last, { device, epoch, lane, seq }))
      ranges[ranges.length - 1] = { ...last, seqLast: seq };
    else if (ranges.length < ERASURE_RANGES_MAX) {
      ranges.push({ device, epoch, lane, seqFirst: seq, seqLast: seq });
    }
  }
  return ranges;
}

function isBehind(range: ErasureRow['ranges'][number], place: Place): boolean {
  const { device, epoch, lane, seqLast } = range;
  const isSame = device === place.device && epoch === place.epoch && lane === place.lane;
  return isSame && seqLast === place.seq - 1;
}

/** A receipt as others see it: it has nothing that tells whom it was about. */
export function erasureOf(row: ErasureRow): Erasure {
  const { subject: _, isComplete, ...receipt } = row;
  return { ...receipt, isComplete: isComplete === 1 };
}

/** The receipts, newest first. */
export async function readErasures(store: Reads, limit: number): Promise<readonly Erasure[]> {
  const prefix = prefixOf('erasure');
  const rows = await store.scan({ from: prefix, to: behind(prefix), limit, reverse: true });
  return rows.map(({ value }) => erasureOf(erasureRow.decode(value)));
}
