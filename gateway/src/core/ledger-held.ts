import { hex, unhex, type Sha256 } from '@holdfast/protocol';
import { readEntry } from './ingest.ts';
import { decodeBlock, type Block } from './ledger-block.ts';
import { openEntries, subjectHash, type Place } from './ledger-contents.ts';
import {
  aboutSubject,
  behind,
  blockKey,
  blocksOf,
  commandKeyOf,
  ordinalOf,
  parseSubjectKey,
  type Chain,
} from './ledger-keys.ts';
import { commandRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import type { HeldPage, Ledger } from './ledger.ts';

/** The block that holds `seq`, or the one before it. */
export async function blockAt(
  store: Reads,
  chain: Chain,
  seq: number,
): Promise<(Block & { readonly seqFirst: number }) | undefined> {
  const [row] = await store.scan({
    from: blocksOf(chain),
    to: blockKey(chain, seq + 1),
    limit: 1,
    reverse: true,
  });
  if (row === undefined) return undefined;
  return { ...decodeBlock(row.value), seqFirst: ordinalOf(row.key) };
}

/** Reads what is held on a subject: first the entries, then, on the last page, the commands. */
export async function readHeld(
  { store, sha256 }: { readonly store: Reads; readonly sha256: Sha256 },
  { subject, after, limit }: Parameters<Ledger['held']>[0],
): Promise<HeldPage> {
  const hash = subjectHash(sha256, subject);
  const prefix = aboutSubject('subject', hash);
  const from = after === undefined ? prefix : Uint8Array.of(...prefix, ...unhex(after), 0);
  const rows = await store.scan({ from, to: behind(prefix), limit });
  const places = rows.flatMap(({ key }) => parseSubjectKey(key) ?? []);
  const entries = await Promise.all(places.map((place) => entryAt(store, place)));
  const last = rows.at(-1);
  const isLast = last === undefined || rows.length < limit;
  return {
    entries: await openEntries(store, entries.flat()),
    commands: isLast ? await commandsAbout(store, hash) : [],
    next: isLast ? undefined : hex(last.key.subarray(prefix.byteLength)),
  };
}

async function entryAt(store: Reads, place: Place) {
  const block = await blockAt(store, place, place.seq);
  const stored = block?.entries[place.seq - block.seqFirst];
  if (block === undefined || stored === undefined) return [];
  const { receivedAtMs } = block;
  return [{ ...place, receivedAtMs, bytes: stored.bytes, entry: readEntry(stored.bytes) }];
}

const COMMANDS_MAX = 10_000;

async function commandsAbout(store: Reads, hash: Uint8Array): Promise<HeldPage['commands']> {
  const prefix = aboutSubject('answer', hash);
  const rows = await store.scan({ from: prefix, to: behind(prefix), limit: COMMANDS_MAX });
  const keys = rows.map(({ key }) => commandKeyOf(key));
  const commands = await store.getMany(keys);
  return commands.flatMap((row, index) => {
    const key = keys[index];
    if (row === undefined || key === undefined) return [];
    const device = String.fromCharCode(...key.subarray(1, key.indexOf(0)));
    return [{ device, ...commandRow.decode(row) }];
  });
}
