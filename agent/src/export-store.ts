import { lanes, type OnProgress } from '@holdfast/protocol';
import { aboutEntries } from './core/chain-check.ts';
import { entryLine, type EntryLine } from './core/entry-line.ts';
import { parseStored } from './core/entry-row.ts';
import { ackKey, getNumber, laneRange, seqOfEntryKey } from './core/keys.ts';
import { openToRead } from './open-to-read.ts';
import { userKeyOf } from './io/store-key.ts';

/**
 * Tells every entry of a store, lane by lane, in order; while its agent runs, as of one moment.
 *
 * @param reading.storeKey For a store that is encrypted.
 * @param reading.progress Told how many entries were told, and of how many about.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when something else has it open, HF_STORE_FORMAT,
 *   HF_STORE_KEY, HF_STORE_DAMAGED.
 */
export async function exportStore(
  dataDir: string,
  reading: {
    readonly storeKey: string | Uint8Array | undefined;
    readonly progress?: OnProgress;
  },
  tell: (line: EntryLine) => void,
): Promise<void> {
  const storeKey = userKeyOf(reading.storeKey);
  const { store, device, epoch, release } = await openToRead(dataDir, { storeKey });
  try {
    const total = await aboutEntries(store);
    let told = 0;
    for (const lane of lanes) {
      const ack = await store.get(ackKey(lane));
      const from = { device, epoch, acked: ack === undefined ? 0 : getNumber(ack, 0) };
      await store.each(laneRange(lane), ({ key, value }) => {
        tell(entryLine(from, lane, parseStored(seqOfEntryKey(key), value)));
        told += 1;
        reading.progress?.(told, total);
      });
    }
  } finally {
    await release();
  }
}
