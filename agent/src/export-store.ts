import { lanes } from '@holdfast/protocol';
import { entryLine, type EntryLine } from './core/entry-line.ts';
import { parseStored } from './core/lane-state.ts';
import { ackKey, getNumber, laneRange, seqOfEntryKey } from './core/keys.ts';
import { openToRead } from './open-to-read.ts';
import { userKeyOf } from './io/store-key.ts';

/**
 * Tells every entry of a store, lane by lane, in order; while its agent runs, as of one moment.
 *
 * @param storeKeySource For a store that is encrypted.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when something else has it open, HF_STORE_FORMAT,
 *   HF_STORE_KEY, HF_STORE_DAMAGED.
 */
export async function exportStore(
  dataDir: string,
  storeKeySource: string | Uint8Array | undefined,
  tell: (line: EntryLine) => void,
): Promise<void> {
  const storeKey = userKeyOf(storeKeySource);
  const { store, device, epoch, release } = await openToRead(dataDir, { storeKey });
  try {
    for (const lane of lanes) {
      const ack = await store.get(ackKey(lane));
      const from = { device, epoch, acked: ack === undefined ? 0 : getNumber(ack, 0) };
      await store.each(laneRange(lane), ({ key, value }) => {
        tell(entryLine(from, lane, parseStored(seqOfEntryKey(key), value)));
      });
    }
  } finally {
    await release();
  }
}
