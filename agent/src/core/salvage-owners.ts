import { laneIndex, type Lane, type Store } from '@holdfast/protocol';
import { getNumber, putNumber } from './keys.ts';

/** The place of an entry in the history of a run. */
export interface Owner {
  readonly run: number;
  readonly n: number;
}

const TABLE = 0x68;
const KEY_BYTES = 18;
const PAGE = 1_024;

/** Histories the other way round, while a store is salvaged: `h lane[1] seq[6] run[6] n[4]`. */
export function ownerKey(lane: number, seq: number, owner: Owner): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  key[0] = TABLE;
  key[1] = lane;
  putNumber(key, 2, seq);
  putNumber(key, 8, owner.run);
  putNumber(key, 14, owner.n, 4);
  return key;
}

/** Tells whose the entries of a lane are, when asked for them in order. */
export class Owners {
  readonly #store: Store;
  readonly #to: Uint8Array;
  #from: Uint8Array;
  #page: Uint8Array[] = [];
  #isLast = false;

  constructor(store: Store, lane: Lane) {
    this.#store = store;
    this.#from = Uint8Array.of(TABLE, laneIndex(lane));
    this.#to = Uint8Array.of(TABLE, laneIndex(lane) + 1);
  }

  async of(seq: number): Promise<Owner[]> {
    const owners: Owner[] = [];
    for (;;) {
      const [next] = this.#page;
      if (next === undefined) {
        if (this.#isLast) return owners;
        await this.#read();
        continue;
      }
      const at = getNumber(next, 2);
      if (at > seq) return owners;
      this.#page.shift();
      if (at === seq) owners.push({ run: getNumber(next, 8), n: getNumber(next, 14, 4) });
    }
  }

  async #read(): Promise<void> {
    const rows = await this.#store.scan({ from: this.#from, to: this.#to, limit: PAGE });
    this.#page = rows.map((row) => row.key);
    const last = this.#page.at(-1);
    this.#isLast = rows.length < PAGE;
    if (last !== undefined) this.#from = Uint8Array.of(...last, 0);
  }
}
