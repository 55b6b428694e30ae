import { readEntry, wholeValue, type LedgerEntry } from '@holdfast/gateway/internal';
import {
  equalBytes,
  isEventOutsideRuns,
  isParted,
  lanes,
  sealKindOf,
  valueIn,
  type Entry,
  type Lane,
} from '@holdfast/protocol';
import { eventNumberIn } from './event-ids.ts';
import type { JournalLife } from './journal-life.ts';
import type { World } from './world.ts';

const PAGE = 1_000;

/** What the ledger has of one device. */
export interface Held {
  /** In the order of epochs and lanes; without events that somebody has emitted. */
  readonly entries: readonly Entry[];
  /** How often each of these events is there, by its number. */
  readonly events: readonly number[];
}

/** By device. */
export type HeldOfAll = ReadonlyMap<string, Held>;

export interface LedgerRead {
  /** Of all epochs: what was ever there. */
  readonly all: HeldOfAll;
  /** Of the last one: what the device goes on with. */
  readonly last: HeldOfAll;
  /** Of devices that have had one epoch only. */
  readonly single: HeldOfAll;
}

interface Place {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
}

interface Growing {
  readonly entries: Entry[];
  readonly events: number[];
}

const nothing = (): Growing => ({ entries: [], events: [] });

/** P3: the ledger is each device's journal, byte for byte, once and in order. */
export async function readLedger(world: World): Promise<LedgerRead> {
  const all = new Map<string, Held>();
  const newest = new Map<string, Held>();
  const single = new Map<string, Held>();
  for (const { name: device } of world.machines) {
    const last = world.witness.lifeOf(device);
    const epochs = await world.gateway.ledger.epochs(device);
    const ever = nothing();
    for (const { epoch } of epochs) {
      const held = epochs.length === 1 ? ever : nothing();
      for (const lane of lanes) await readLane(world, { device, epoch, lane }, { last, held });
      if (epoch === last.epoch) newest.set(device, held);
      if (held !== ever) addTo(ever, held);
    }
    all.set(device, ever);
    const isWhole = epochs.length === 1 && !world.witness.rotten.has(device);
    if (isWhole) single.set(device, ever);
  }
  return { all, last: newest, single };
}

function addTo(ever: Growing, { entries, events }: Held): void {
  for (const entry of entries) ever.entries.push(entry);
  events.forEach((times, number) => {
    ever.events[number] = (ever.events[number] ?? 0) + times;
  });
}

/** What the ledger has of a lane must be one of its histories; of the life that is, all of it. */
async function readLane(
  world: World,
  place: Place,
  { last, held }: { readonly last: JournalLife; readonly held: Growing },
): Promise<void> {
  const { witness, gateway } = world;
  const { device, epoch, lane } = place;
  const lives = epoch === last.epoch ? [last] : witness.livesOf(place);
  let histories: readonly (readonly Uint8Array[])[] = lives.map((life) => life.lanes[lane].entries);
  let seq = 0;
  for (;;) {
    const query = { ...place, after: seq, limit: PAGE, areBytesEnough: true };
    const page = await gateway.ledger.entries(query);
    for (const stored of page) {
      const { bytes } = stored;
      if (stored.seq > seq + 1 && (await isHole(world, place, seq + 1))) seq = stored.seq - 1;
      histories = agreeing(histories, seq, bytes);
      seq += 1;
      if (stored.seq !== seq || histories.length === 0) {
        witness.blame('P3', device, `the ledger's ${lane} ${seq} is not the journal's`);
        return;
      }
      const number = isEventOutsideRuns(bytes) ? eventNumberIn(bytes) : undefined;
      if (number === undefined) await take(world, place, { stored, held });
      else held.events[number] = (held.events[number] ?? 0) + 1;
    }
    if (page.length === 0) break;
  }
  const length = last.lanes[lane].entries.length;
  if (epoch === last.epoch && seq !== length && !(await isHole(world, place, seq + 1))) {
    witness.blame('P3', device, `the ledger has ${seq} of ${length} in ${lane}`);
  }
}

/** The histories that have this entry at an index. */
function agreeing(
  histories: readonly (readonly Uint8Array[])[],
  index: number,
  bytes: Uint8Array,
): readonly (readonly Uint8Array[])[] {
  const isIn = (own: readonly Uint8Array[]): boolean => {
    const entry = own[index];
    return entry !== undefined && equalBytes(entry, bytes);
  };
  return histories.every(isIn) ? histories : histories.filter(isIn);
}

async function take(
  { gateway, witness, primitives: { sha256 } }: World,
  place: Place,
  { stored, held }: { readonly stored: LedgerEntry; readonly held: Growing },
): Promise<void> {
  const read = readEntry(stored.bytes);
  if (read === undefined) return;
  const value = valueIn(read);
  if (sealKindOf(value) === 'erasable') {
    const { device, epoch, lane } = place;
    const query = { device, epoch, lane, after: stored.seq - 1, limit: 1 };
    const [open] = await gateway.ledger.entries(query);
    held.entries.push(open?.entry ?? read);
    return;
  }
  held.entries.push(read);
  // P3: a value that came in parts is the one that was journaled, unless these are damaged.
  if (!isParted(value) || witness.rotten.has(place.device)) return;
  const ports = { ledger: gateway.ledger, sha256 };
  await wholeValue(ports, { ...place, seq: stored.seq }, value).catch(() =>
    witness.blame('P3', place.device, `the value of ${place.lane} ${stored.seq} is not whole`),
  );
}

/** Whether the ledger knows that entries from here on will not come. P4 judges whether it may. */
async function isHole({ gateway, witness }: World, place: Place, seq: number): Promise<boolean> {
  if (!witness.rotten.has(place.device)) return false;
  const [hole] = await gateway.ledger.holes({ ...place, after: seq - 1, limit: 1 });
  return hole?.seqFirst === seq;
}
