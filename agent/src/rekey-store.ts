import { resolve } from 'node:path';
import { HoldfastError } from '@holdfast/protocol';
import { changeUserKey, hasStoreKey, loadUserKey } from './io/store-key.ts';

/** What `holdfast store rekey` did. */
export interface StoreRekeyView {
  readonly schema: 'holdfast.store-rekey/1';
  /** Absolute. */
  readonly dataDir: string;
}

/**
 * From now on another key opens the store. An agent that runs goes on; its next start needs the
 * new key. Durable once it resolves; one that was cut off opens with either key, and may be
 * repeated.
 *
 * @param keys Paths of files, or 32 bytes each.
 * @throws HF_STORE_KEY, HF_DATA_DIR_MISSING; nothing was changed.
 */
export function rekeyStore(
  dataDir: string,
  keys: { readonly from: string | Uint8Array; readonly to: string | Uint8Array },
): StoreRekeyView {
  const dir = resolve(dataDir);
  if (!hasStoreKey(dir)) {
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dir} has no store.key` });
  }
  changeUserKey(dir, loadUserKey(keys.from), loadUserKey(keys.to));
  return { schema: 'holdfast.store-rekey/1', dataDir: dir };
}
