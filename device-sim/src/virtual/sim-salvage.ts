import {
  arrivalOps,
  bootOfRow,
  collectRows,
  currentBoot,
  salvage,
  tableOfKey,
  verifyTails,
  type MachineBoot,
  type RowSource,
} from '@holdfast/agent/internal';
import type { EpochCause, Sha256, Store, StoreRow } from '@holdfast/protocol';
import { SimChance } from '@holdfast/agent/testing';
import { AtOnce } from './at-once.ts';
import { SimDisk } from './sim-disk.ts';

export interface SalvageWish {
  readonly device: string;
  readonly oldEpoch: number;
  readonly newEpoch: number;
  readonly cause: EpochCause;
  readonly why: string;
  readonly sha256: Sha256;
  /** The machine that it is on now. */
  readonly here: MachineBoot;
  /** Only for a fault that is planted: it does not read the lanes to their ends. */
  readonly isHasty?: boolean | undefined;
}

/** The rows of a new epoch's store, made of those that a disk has, by the salvage that ships. */
export async function salvageDisk(disk: SimDisk, wish: SalvageWish): Promise<readonly StoreRow[]> {
  const found = wish.isHasty === true ? withoutEnds(disk.rows()) : disk.rows();
  const rows = found.map((row, sequence) => ({ ...row, sequence }));
  const [scratch, target] = [new Memory(), new Memory()];
  const collected = await collectRows(
    only({ name: 'disk', rows, isDamaged: false }),
    scratch.store,
  );
  const boots = collected.others.filter(({ key }) => tableOfKey(key) === 'k').map(bootOfRow);
  const { here, cause } = wish;
  const boot = currentBoot(boots.at(-1), here).number;
  const stamp = { atMs: here.wallMs, boot, monoMs: Math.floor(here.monoMs) };
  const stores = { scratch: scratch.store, target: target.store };
  await salvage({ ...wish, ...stores, stamp, heads: [0, 0, 0], collected });
  if (cause === 'moved') await target.store.write(arrivalOps(boots.at(-1), here));
  return target.rows();
}

/** What a start finds wrong with the ends of the lanes, in words, as the agent that ships does. */
export async function damageOn(
  disk: SimDisk,
  of: { readonly device: string; readonly epoch: number; readonly sha256: Sha256 },
): Promise<string | undefined> {
  const { store } = new Memory(disk.rows());
  const [fault] = await verifyTails({ ...of, store }, TAIL_ENTRIES);
  return fault && `entry ${fault.seq} of lane ${fault.lane} ${fault.why}`;
}

function withoutEnds(rows: readonly StoreRow[]): readonly StoreRow[] {
  return rows.filter(({ key }, index) => {
    const next = rows[index + 1]?.key;
    const isEntry = tableOfKey(key) === 'e';
    return !isEntry || (next !== undefined && tableOfKey(next) === 'e' && next[1] === key[1]);
  });
}

/** As many as the agent looks at. */
const TAIL_ENTRIES = 64;

async function* only(source: RowSource): AsyncGenerator<RowSource, void> {
  yield source;
}

/** A store that nothing happens to, while it is filled. */
class Memory {
  readonly store: Store;
  readonly #disk: SimDisk;

  constructor(rows: readonly StoreRow[] = []) {
    // Its writes take no time: nobody but whoever fills it waits for them.
    this.#disk = new SimDisk({ time: new AtOnce(), chance: new SimChance(1), rows });
    this.store = this.#disk.open();
  }

  rows(): readonly StoreRow[] {
    return this.#disk.rows();
  }
}
