import { KEPT_MAX, type Ack, type Clock, type Lane } from '@holdfast/protocol';
import type { IngestOutcome, LanePosition } from './ledger.ts';

/** What a device has sent of a lane in one message. */
export interface Piece {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly seqLast: number;
  readonly bytes: number;
}

export interface AheadOptions {
  readonly clock: Clock;
  /** Pieces of one device, and bytes of all devices, that are kept; what is beyond is not. */
  readonly piecesMax: number;
  readonly bytesMax: number;
  /** Tells the device what is missing, and what is kept behind it. */
  readonly tell: (piece: Piece, position: LanePosition, kept: Ack['kept']) => void;
}

/** In which a broker may have it change places with the one before it. */
const REORDER_MS = 100;
/** A device that goes on sends what is missing long before. */
const KEEP_MS = 30_000;

interface Place {
  readonly piece: Piece;
  /** It has waited for longer than a broker delays what comes before it. */
  isRipe: boolean;
  isOver: boolean;
  wake: () => void;
}

/**
 * What came ahead of its turn: it is kept for a while, so that only what is missing before it has
 * to be sent again.
 */
export class Ahead {
  readonly #options: AheadOptions;
  readonly #places = new Map<string, Place[]>();
  #bytes = 0;
  #isClosed = false;

  constructor(options: AheadOptions) {
    this.#options = options;
  }

  /** What comes of it once its turn has come; `undefined`: it did not, and will not. */
  async inTurn(
    piece: Piece,
    take: () => Promise<IngestOutcome>,
  ): Promise<IngestOutcome | undefined> {
    let outcome = await take();
    if (outcome.kind !== 'gap') return outcome;
    const place = this.#enter(piece);
    if (place === undefined) return outcome;
    try {
      await this.#turn(place, REORDER_MS);
      for (;;) {
        if (place.isOver) return undefined;
        outcome = await take();
        if (outcome.kind !== 'gap') return outcome;
        if (!place.isRipe) {
          place.isRipe = true;
          this.#options.tell(piece, outcome.position, this.#kept(piece));
        }
        if (!(await this.#turn(place, KEEP_MS))) return undefined;
      }
    } finally {
      this.#leave(place);
    }
  }

  /** All of a lane through `watermark` is in the ledger: what joins on has its turn. */
  advanced(lane: Pick<Piece, 'device' | 'epoch' | 'lane'>, watermark: number): void {
    let through = watermark;
    for (const place of this.#of(lane)) {
      if (place.piece.seqFirst > through + 1) return;
      through = Math.max(through, place.piece.seqLast);
      place.wake();
    }
  }

  /** A device begins anew from what the ledger has. */
  forget(device: string): void {
    for (const place of [...(this.#places.get(device) ?? [])]) {
      place.isOver = true;
      place.wake();
    }
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    for (const device of [...this.#places.keys()]) this.forget(device);
  }

  #enter(piece: Piece): Place | undefined {
    const { piecesMax, bytesMax } = this.#options;
    if (this.#isClosed) return undefined;
    const places = this.#places.get(piece.device) ?? [];
    const before = places.find((each) => isSame(each.piece, piece));
    if (before !== undefined) {
      before.isOver = true;
      before.wake();
    } else if (places.length >= piecesMax || this.#bytes + piece.bytes > bytesMax) return undefined;
    const place: Place = { piece, isRipe: false, isOver: false, wake: () => {} };
    places.push(place);
    this.#places.set(piece.device, places);
    this.#bytes += piece.bytes;
    return place;
  }

  #leave(place: Place): void {
    const { device, bytes } = place.piece;
    const left = (this.#places.get(device) ?? []).filter((each) => each !== place);
    if (left.length === 0) this.#places.delete(device);
    else this.#places.set(device, left);
    this.#bytes -= bytes;
  }

  /** Resolves when something has happened; with `false`, when nothing has for so long. */
  #turn(place: Place, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.wakeIn(withinMs, () => resolve(false));
      place.wake = () => {
        cancel();
        resolve(true);
      };
    });
  }

  /** Of one lane, by seq. */
  #of({ device, epoch, lane }: Pick<Piece, 'device' | 'epoch' | 'lane'>): Place[] {
    const places = this.#places.get(device) ?? [];
    return places
      .filter(({ piece }) => piece.epoch === epoch && piece.lane === lane)
      .toSorted((a, b) => a.piece.seqFirst - b.piece.seqFirst);
  }

  #kept(of: Piece): Ack['kept'] {
    const kept: { seqFirst: number; seqLast: number }[] = [];
    for (const { piece, isRipe } of this.#of(of)) {
      const last = kept.at(-1);
      if (!isRipe) continue;
      if (last !== undefined && piece.seqFirst <= last.seqLast + 1) {
        last.seqLast = Math.max(last.seqLast, piece.seqLast);
      } else kept.push({ seqFirst: piece.seqFirst, seqLast: piece.seqLast });
    }
    return kept.slice(-KEPT_MAX);
  }
}

function isSame(a: Piece, b: Piece): boolean {
  const isLane = a.epoch === b.epoch && a.lane === b.lane;
  return isLane && a.seqFirst === b.seqFirst && a.seqLast === b.seqLast;
}
