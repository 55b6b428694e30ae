import type { StoreRow } from '@holdfast/protocol';
import { openValues } from './ledger-contents.ts';
import type { Draft } from './ledger-draft.ts';
import {
  behind,
  ordinalOf,
  ownOrderKey,
  prefixOf,
  runKey,
  runOrderKey,
  runStateKey,
  runsIn,
} from './ledger-keys.ts';
import { runRow, type RunRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import type { LedgerRun, RunLedger } from './run-ledger.ts';
import { reasonOf } from './run-reason.ts';

type RunsQuery = Parameters<RunLedger['runs']>[0];

/** Puts a run where those of its state are found, instead of where it was found before. */
export function moveRun(draft: Draft, row: RunRow, before: RunRow | undefined): void {
  const key = runStateKey(row);
  if (before?.state === row.state && before.ordinal === row.ordinal) return;
  if (before !== undefined) draft.delete(runStateKey(before));
  draft.put(key, runKey(row.device, row.run));
}

/** Takes a run out of all orders that it is found by. */
export function forgetOrders(draft: Draft, row: RunRow): void {
  draft.delete(runOrderKey(row.ordinal));
  draft.delete(ownOrderKey(row.device, row.ordinal));
  draft.delete(runStateKey(row));
}

/** Reads runs, the newest first. */
export async function readRuns(store: Reads, query: RunsQuery): Promise<readonly LedgerRun[]> {
  const { device = '', run, limit } = query;
  const found: RunRow[] = [];
  let { before } = query;
  while (found.length < limit) {
    const asked = limit - found.length;
    const order = run === undefined ? await orderOf(store, { ...query, before, limit: asked }) : [];
    const keys = run === undefined ? order.map(({ value }) => value) : [runKey(device, run)];
    for (const [index, row] of (await store.getMany(keys)).entries()) {
      const read = row && runRow.decode(row);
      const place = order[index];
      // One that has begun anew since is found at its new place.
      const isHere = place === undefined || read?.ordinal === ordinalOf(place.key);
      if (read !== undefined && isHere) found.push(read);
    }
    const last = order.at(-1);
    if (last === undefined || order.length < asked) break;
    before = ordinalOf(last.key);
  }
  const runs = found.map((row) => ({ ...row, reason: reasonOf(row) }));
  return openValues(store, runs, {
    value: ({ status }) => status,
    place: ({ device: of, epoch, statusLane: lane, statusSeq: seq }) => ({
      ...{ device: of, epoch, lane, seq },
    }),
    withValue: (each, status) => ({ ...each, status }),
  });
}

/** Keys of run rows under keys that end with the ordinals of the runs. */
async function orderOf(store: Reads, query: RunsQuery): Promise<readonly StoreRow[]> {
  const { device, states, before, limit } = query;
  const newest = (from: Uint8Array, keyAt: (ordinal: number) => Uint8Array) => {
    const to = before === undefined ? behind(from) : keyAt(before);
    return store.scan({ from, to, limit, reverse: true });
  };
  if (device !== undefined) {
    return newest(prefixOf('ownOrder', device), (ordinal) => ownOrderKey(device, ordinal));
  }
  if (states === undefined) return newest(prefixOf('runOrder'), runOrderKey);
  const each = [...new Set(states)].map((state) =>
    newest(runsIn(state), (ordinal) => runStateKey({ state, ordinal })),
  );
  const merged = (await Promise.all(each)).flat();
  return merged.toSorted((a, b) => ordinalOf(b.key) - ordinalOf(a.key)).slice(0, limit);
}
