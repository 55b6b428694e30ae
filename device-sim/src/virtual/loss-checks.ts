import type { LedgerHole } from '@holdfast/gateway/internal';
import { decodeEntry, decodeValue, lanes, type Lane } from '@holdfast/protocol';
import { placeOf, type JournalLife } from './journal-life.ts';
import type { World } from './world.ts';

/** Beside an entry that is damaged so many go with it: their hashes cannot be told. */
const NEIGHBOURS_MAX = 0;
const PAGE = 1_000;
const HOLES_MAX = 10_000;

/** Seqs of a lane that somebody says will not come. */
interface Told {
  readonly lane: Lane;
  readonly first: number;
  readonly last: number;
}

/** What the ledger has of an epoch of a device. */
interface HeldEpoch {
  readonly places: ReadonlySet<string>;
  readonly holes: readonly LedgerHole[];
  /** What a salvage has told of the epoch before this one, by its number. */
  readonly lost: ReadonlyMap<number, readonly Told[]>;
}

/**
 * P4: what was ever durable on a device is in the ledger, under the epoch in which it was written
 * or carried over into a later one, or the ledger has been told that it will not come; and nobody
 * says so of what was whole.
 */
export class LossChecks {
  /** Runs, and ids of events, of which something is lost, or damaged where it is kept. */
  readonly hurt = new Set<string>();
  /** Entries that were held against the ledger. */
  looked = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const { witness, machines, setBack, clones } = this.#world;
    for (const { name } of machines) {
      // A disk that was set back has forgotten: what it had said since then nobody has.
      if (clones.size > 0 || setBack.some(({ device }) => device === name)) continue;
      const lives = witness.allOf(name);
      if (!witness.rotten.has(name)) {
        await this.#whole(name, lives);
        continue;
      }
      for (const life of lives) this.#hurtByRot(life);
      await this.#device(name, lives);
      this.#hurtParents(lives);
    }
  }

  /** Where no disk has changed anything P3 says that all is there: nothing is given up. */
  async #whole(device: string, lives: readonly JournalLife[]): Promise<void> {
    for (const life of lives) {
      for (const lane of lanes) {
        this.looked += life.lanes[lane].entries.length;
        const holes = await this.#holesOf(device, life, lane);
        for (const hole of holes) this.#judgeHole(device, life, hole);
      }
    }
  }

  #holesOf(device: string, { epoch }: JournalLife, lane: Lane): Promise<readonly LedgerHole[]> {
    const { ledger } = this.#world.gateway;
    return ledger.holes({ device, epoch, lane, after: 0, limit: HOLES_MAX });
  }

  /** A run that has to read what is damaged cannot go on. */
  #hurtByRot(life: JournalLife): void {
    eachEntry(life, (lane, seq, bytes) => {
      if (life.rotten.has(placeOf(lane, seq))) this.#hurt(bytes);
    });
  }

  /** Who waits for a run that cannot go on cannot either. */
  #hurtParents(lives: readonly JournalLife[]): void {
    if (this.hurt.size === 0) return;
    for (const life of lives) {
      eachEntry(life, (_lane, _seq, bytes) => {
        const entry = decodeEntry(bytes);
        if (entry.kind === 'child.started' && this.hurt.has(entry.child)) this.hurt.add(entry.run);
      });
    }
  }

  async #device(device: string, lives: readonly JournalLife[]): Promise<void> {
    const later = new Set<string>();
    const lost = new Map<number, readonly Told[]>();
    // From the last one back: what a later one has carried over needs no more than its bytes.
    for (const life of lives.toReversed()) {
      const held = await this.#heldOf(device, life);
      const told = [...(lost.get(life.epoch) ?? []), ...held.holes.map(toldOf)];
      eachEntry(life, (lane, seq, bytes) => {
        this.looked += 1;
        if (held.places.has(placeOf(lane, seq)) || later.has(textOf(bytes))) return;
        this.#hurt(bytes);
        if (told.some((each) => each.lane === lane && isIn(each, seq))) return;
        const what = `${lane} ${seq} of epoch ${life.epoch} is lost, and nobody was told`;
        this.#world.witness.blame('P4', device, what);
      });
      for (const hole of held.holes) this.#judgeHole(device, life, hole);
      eachEntry(life, (_lane, _seq, bytes) => void later.add(textOf(bytes)));
      for (const [epoch, ranges] of held.lost) lost.set(epoch, ranges);
    }
  }

  /** Only what the disk has changed, and what is beside it, is given up. */
  #judgeHole(device: string, life: JournalLife, hole: LedgerHole): void {
    const { lane, seqFirst, seqLast, reason } = hole;
    if (reason === 'trimmed' || reason === 'retention') return;
    let damaged = 0;
    for (let seq = seqFirst; seq <= seqLast; seq += 1) {
      if (life.rotten.has(placeOf(lane, seq))) damaged += 1;
    }
    if (seqLast - seqFirst + 1 <= damaged * (1 + NEIGHBOURS_MAX)) return;
    const what = `${lane} ${seqFirst}-${seqLast} is given up as ${reason}; damaged are ${damaged}`;
    this.#world.witness.blame('P4', device, what);
  }

  #hurt(bytes: Uint8Array): void {
    const entry = decodeEntry(bytes);
    if ('run' in entry && entry.run !== '') this.hurt.add(entry.run);
    else if (entry.kind === 'event.emitted') {
      this.hurt.add((decodeValue(entry.payload) as { readonly id: string }).id);
    }
  }

  async #heldOf(device: string, life: JournalLife): Promise<HeldEpoch> {
    const { epoch } = life;
    const { ledger } = this.#world.gateway;
    const places = new Set<string>();
    const holes: LedgerHole[] = [];
    const lost = new Map<number, readonly Told[]>();
    for (const lane of lanes) {
      const all = { device, epoch, lane };
      for (let after = 0; ; ) {
        const page = await ledger.entries({ ...all, after, limit: PAGE });
        for (const { seq, entry } of page) {
          places.add(placeOf(lane, seq));
          if (entry?.kind === 'epoch.began') lost.set(entry.oldEpoch, rangesIn(entry.why));
        }
        const last = page.at(-1);
        if (last === undefined) break;
        after = last.seq;
      }
      holes.push(...(await this.#holesOf(device, life, lane)));
    }
    return { places, holes, lost };
  }
}

function eachEntry(
  life: JournalLife,
  visit: (lane: Lane, seq: number, bytes: Uint8Array) => void,
): void {
  for (const lane of lanes) {
    life.lanes[lane].entries.forEach((bytes, index) => visit(lane, index + 1, bytes));
  }
}

const toldOf = ({ lane, seqFirst, seqLast }: LedgerHole): Told => {
  return { lane, first: seqFirst, last: seqLast };
};

const isIn = ({ first, last }: Told, seq: number): boolean => first <= seq && seq <= last;

/** `…; lost: urgent 3, normal 12-18`, as a salvage tells it to people. */
function rangesIn(why: string): readonly Told[] {
  const text = /; lost: (.*)$/s.exec(why)?.[1] ?? '';
  return [...text.matchAll(/(urgent|normal|bulk) (\d+)(?:-(\d+))?/g)].map((found) => {
    const first = Number(found[2]);
    const lane = lanes.find((each) => each === found[1]) ?? 'normal';
    return { lane, first, last: Number(found[3] ?? first) };
  });
}

/** Bytes as text: sets compare that, and not bytes. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
