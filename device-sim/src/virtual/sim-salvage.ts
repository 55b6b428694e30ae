import {
  arrivalOps,
  bootOfRow,
  collectRows,
  currentBoot,
  salvage,
  sha256,
  tableOfKey,
  type MachineBoot,
  type RowSource,
} from '@holdfast/agent/internal';
import type { EpochCause, StoreRow } from '@holdfast/protocol';
import { SimChance } from '@holdfast/agent/testing';
import { keyText, SimDisk } from './sim-disk.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SalvageWish {
  readonly device: string;
  readonly oldEpoch: number;
  readonly newEpoch: number;
  readonly cause: EpochCause;
  readonly why: string;
  /** The machine that it is on now. */
  readonly here: MachineBoot;
}

const ALL = { from: new Uint8Array(), to: new Uint8Array([0xff, 0xff]) };

/** The rows of a new epoch's store, made of those that a disk has, by the salvage that ships. */
export async function salvageDisk(disk: SimDisk, wish: SalvageWish): Promise<readonly StoreRow[]> {
  const found = disk.image().between(keyText(ALL.from), keyText(ALL.to), {
    limit: Number.POSITIVE_INFINITY,
  });
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
  await salvage({ ...wish, ...stores, stamp, heads: [0, 0, 0], sha256, collected });
  if (cause === 'moved') await target.store.write(arrivalOps(boots.at(-1), here));
  return target.rows();
}

async function* only(source: RowSource): AsyncGenerator<RowSource, void> {
  yield source;
}

/** A store that nothing happens to, while it is filled. */
class Memory {
  // Its writes take no time: nobody but whoever fills it waits for them.
  readonly #disk = new SimDisk({ time: new AtOnce(), chance: new SimChance(1) });
  readonly store = this.#disk.open();

  rows(): readonly StoreRow[] {
    return this.#disk.image().between(keyText(ALL.from), keyText(ALL.to), {
      limit: Number.POSITIVE_INFINITY,
    });
  }
}

/** What is to be woken is woken as soon as nothing else is at work. */
class AtOnce extends VirtualTime {
  override wakeIn(_delayMs: number, wake: () => void): () => void {
    let isOff = false;
    void Promise.resolve().then(() => (isOff ? undefined : wake()));
    return () => (isOff = true);
  }
}
