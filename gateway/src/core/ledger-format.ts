import { HoldfastError, type StoreRow } from '@holdfast/protocol';
import { metaKey } from './ledger-keys.ts';
import { formatRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';

const PRODUCT = 'holdfast-ledger';
/** Version of the keys and rows. A newer one is refused. */
const FORMAT = 1;

/** The first row of a new ledger. */
export function newLedgerRow(): StoreRow {
  return { key: metaKey('format'), value: formatRow.encode({ product: PRODUCT, format: FORMAT }) };
}

/** @throws HF_STORE_DAMAGED, HF_STORE_FORMAT. */
export async function checkFormat(store: Pick<Reads, 'get'>): Promise<void> {
  const { key } = newLedgerRow();
  const stored = await store.get(key);
  let found: { readonly product: string; readonly format: number } | undefined;
  try {
    found = stored === undefined ? undefined : formatRow.decode(stored);
  } catch {
    found = undefined;
  }
  if (found?.product !== PRODUCT) {
    throw new HoldfastError('HF_STORE_DAMAGED', { why: 'it is not a ledger of Holdfast' });
  }
  if (found.format > FORMAT) {
    throw new HoldfastError('HF_STORE_FORMAT', {
      why: `the ledger has format ${found.format}; this version knows ${FORMAT}`,
    });
  }
}
