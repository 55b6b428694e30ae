import { HoldfastError, checkName, decodeEntry, type StoreOp } from '@holdfast/protocol';
import { readContent, type Place } from './contents.ts';
import type { Engine } from './engine.ts';
import { placeOfKey, tableRange } from './keys.ts';
import { layout } from './run-store.ts';

export interface EraseRequest {
  readonly subject: string;
  /** Runs that still need what is to be erased are ended. Default: then nothing is erased. */
  readonly force?: boolean | undefined;
}

/** What was erased on this device. */
export interface Erased {
  /** Contents of entries, and their bytes. */
  readonly contents: number;
  readonly bytes: number;
  /** Ids of runs that were ended for it. */
  readonly cancelled: readonly string[];
}

/** Ends a run without any more of its code. */
export type Cancel = (request: {
  readonly run: string;
  readonly reason: string;
  readonly force: true;
}) => Promise<void>;

interface Found {
  readonly keys: readonly Uint8Array[];
  readonly places: readonly Place[];
  readonly bytes: number;
}

const PAGE = 1_000;
const NAMED_MAX = 10;

/**
 * Deletes what the device holds on a subject, sent or not: contents with their salts, and what the
 * records of runs say of it. The entries stay, and with them the chains; one that was not sent yet
 * reaches the ledger without its content. Durable, and gone from the files of the store, once it
 * resolves.
 *
 * @throws HF_SUBJECT_NEEDED while a run that has not ended needs it, unless it is forced.
 */
export async function eraseSubject(
  engine: Engine,
  cancel: Cancel,
  { subject, force = false }: EraseRequest,
): Promise<Erased> {
  checkName('subject', subject);
  const open = await openRunsAbout(engine, subject, await contentsAbout(engine, subject));
  if (open.length > 0 && !force) {
    const named = open.slice(0, NAMED_MAX).join(', ');
    const more = open.length > NAMED_MAX ? ` and ${open.length - NAMED_MAX} more` : '';
    throw new HoldfastError('HF_SUBJECT_NEEDED', { why: `${named}${more}` });
  }
  for (const run of open) {
    await cancel({ run, reason: 'what it was about was erased', force: true });
  }
  // Again: runs that were ended have journaled that.
  const { keys, places, bytes } = await contentsAbout(engine, subject);
  for (let at = 0; at < keys.length; at += PAGE) {
    const page = keys.slice(at, at + PAGE);
    await engine.journal.append([], () => page.map((key) => ({ kind: 'delete', key })));
  }
  const records = await recordsWithout(engine, subject);
  const contents = places.length;
  const body = { kind: 'contents.erased', contents, bytes } as const;
  await engine.journal.append([{ lane: 'normal', body }], () => records);
  for (const table of ['p', 'b', 'o', 'f'] as const) {
    await engine.store.rows.compact(tableRange(table));
  }
  return { contents, bytes, cancelled: open };
}

async function contentsAbout({ store }: Engine, subject: string): Promise<Found> {
  const keys: Uint8Array[] = [];
  const places = new Map<string, Place>();
  let bytes = 0;
  for (const table of ['p', 'b'] as const) {
    await store.rows.each(tableRange(table), ({ key, value }) => {
      if (readContent(value).subject !== subject) return;
      const place = placeOfKey(key);
      keys.push(key.slice());
      places.set(`${place.lane}/${place.seq}`, place);
      bytes += value.byteLength;
    });
  }
  return { keys, places: [...places.values()], bytes };
}

/** Ids of the runs that have not ended and are about it, or have met something that is. */
async function openRunsAbout(
  { store, states, journal }: Engine,
  subject: string,
  { places }: Found,
): Promise<readonly string[]> {
  const ids = new Set<string>();
  for await (const { number, record } of store.records('o')) {
    if (record.subject === subject && states.isOpen(number)) ids.add(record.id);
  }
  for (let at = 0; at < places.length; at += PAGE) {
    for (const stored of await journal.entriesAt(places.slice(at, at + PAGE))) {
      const id = stored && runOf(stored.bytes);
      const number = id === undefined ? undefined : await store.numberOf(id);
      if (id !== undefined && number !== undefined && states.isOpen(number)) ids.add(id);
    }
  }
  return [...ids];
}

/** The run that an entry is of; `undefined`: of none, or it does not decode. */
function runOf(bytes: Uint8Array): string | undefined {
  try {
    const entry = decodeEntry(bytes);
    return 'run' in entry && entry.run !== '' ? entry.run : undefined;
  } catch {
    return undefined;
  }
}

/** Records of runs that have ended, without whom they were about and what they said last. */
async function recordsWithout({ store }: Engine, subject: string): Promise<readonly StoreOp[]> {
  const ops: StoreOp[] = [];
  for await (const { number, record } of store.records('f')) {
    if (record.subject !== subject) continue;
    ops.push(...layout.finalRecord(number, { ...record, subject: '', status: new Uint8Array(0) }));
  }
  return ops;
}
