import { eachDevice, type DevicesSought } from '../device-ledger.ts';
import { readDevicePage } from '../ledger-devices.ts';
import { behind, metaKey, prefixOf, pruningKey } from '../ledger-keys.ts';
import { pruningRow } from '../ledger-rows.ts';
import type { LedgerStore } from '../ledger-store.ts';
import type { PruneRequest, PruningReceipt } from '../ledger.ts';
import { pruneAnswers, pruneCommands, pruneDispatches } from './prune-commands.ts';
import { nothingPruned, pruneDevice, sum, type Pruned } from './prune.ts';

/** Others leave it to the one that began for so long. */
const CLAIM_MS = 5 * 60_000;
/** Below that, files are not worth being written anew. */
const COMPACT_BYTES_MIN = 16 * 1024 * 1024;

/**
 * Prunes all devices, and leaves a receipt where something went. `undefined`: somebody else is at
 * it.
 */
export async function pruneLedger(
  store: LedgerStore,
  request: PruneRequest,
): Promise<Pruned | undefined> {
  const { rules, nowMs, owner, keepCommandsMs, isOver = () => false } = request;
  const kept = { keepMs: keepCommandsMs, nowMs };
  const claim = async (forMs: number): Promise<boolean> => {
    const [isOwn] = await store.claim({ keys: [metaKey('prune')], owner, forMs });
    return isOwn === true;
  };
  let pruned = nothingPruned;
  const isForEver = keepCommandsMs === Number.POSITIVE_INFINITY;
  if (rules.length === 0 && isForEver) return pruned;
  const source = { devices: (query: DevicesSought) => readDevicePage(store, query) };
  for await (const record of eachDevice(source)) {
    if (isOver()) break;
    if (!(await claim(CLAIM_MS))) return undefined;
    // Device by device: what is pruned shares the ledger with what comes in.
    pruned = sum(pruned, await pruneDevice(store, record, { rules, nowMs }));
    const commands = await pruneCommands(store, record, kept);
    pruned = sum(pruned, { ...nothingPruned, commands });
  }
  if (pruned.commands > 0) await pruneAnswers(store);
  await pruneDispatches(store, kept, isOver);
  const { entries, runs, commands } = pruned;
  if (entries + runs + commands > 0) await leaveReceipt(store, { atMs: nowMs, ...pruned });
  if (pruned.bytes >= COMPACT_BYTES_MIN) {
    for (const table of ['block', 'content'] as const) {
      await store.compact({ from: prefixOf(table), to: behind(prefixOf(table)) });
    }
  }
  await claim(0);
  return pruned;
}

async function leaveReceipt(store: LedgerStore, receipt: PruningReceipt): Promise<void> {
  await store.submit({
    ...{ devices: [], reads: () => [], bytes: 256 },
    apply: (draft) => draft.put(pruningKey(receipt.atMs), pruningRow.encode(receipt)),
  });
}

/** The receipts, newest first. */
export async function readPrunings(
  store: Pick<LedgerStore, 'scan'>,
  limit: number,
): Promise<readonly PruningReceipt[]> {
  const from = prefixOf('pruning');
  const rows = await store.scan({ from, to: behind(from), limit, reverse: true });
  return rows.map(({ value }) => pruningRow.decode(value));
}
