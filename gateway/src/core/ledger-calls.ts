import { sealKindOf, type Store, type StoreRow } from '@holdfast/protocol';
import type { CallLedger, CallState, Parking, PendingCall, WaitingCall } from './call.ts';
import { openValues } from './ledger-contents.ts';
import type { Draft } from './ledger-draft.ts';
import { behind, callKey, callKeyKey, callsOf, ordinalOf, prefixOf } from './ledger-keys.ts';
import { callRow, callStateRow, parkedRow } from './ledger-rows.ts';
import type { LedgerStore, Reads } from './ledger-store.ts';

const SERVICES_MAX = 1_000;
/** Calls that one transaction moves. */
const PAGE = 256;

const tables = { pending: 'call', parked: 'parked' } as const;

/** Reads calls that wait, in the order of their keys. */
export async function readCalls(
  store: Reads,
  { state, service, after, limit }: Parameters<CallLedger['calls']>[0],
): Promise<readonly WaitingCall[]> {
  const table = tables[state];
  const prefix = service === undefined ? prefixOf(table) : callsOf(table, service);
  const from = after === undefined ? prefix : Uint8Array.of(...callKey(table, after), 0);
  const rows = await store.scan({ from, to: behind(prefix), limit });
  const calls = rows.map((row) => readCall(state, row));
  return openValues(store, calls, {
    value: ({ input }) => input,
    place: (call) => call,
    withValue: (call, input) => ({ ...call, input }),
  });
}

function readCall(state: CallState, { key, value }: StoreRow): WaitingCall {
  const { parking, ...call } = { parking: undefined, ...rowOf(state).decode(value) };
  const isPrivate = sealKindOf(call.input) !== undefined;
  return { ...call, ordinal: ordinalOf(key), isPrivate, state, parking };
}

function rowOf(state: CallState) {
  return state === 'parked' ? parkedRow : callRow;
}

/** The services that calls in a state are for, one look each. */
export async function readCallServices(store: Reads, state: CallState): Promise<readonly string[]> {
  const table = tables[state];
  const to = behind(prefixOf(table));
  const found: string[] = [];
  let from = prefixOf(table);
  while (found.length < SERVICES_MAX) {
    const [row] = await store.scan({ from, to, limit: 1 });
    if (row === undefined) break;
    const { service } = rowOf(state).decode(row.value);
    found.push(service);
    from = behind(callsOf(table, service));
  }
  return found;
}

/** The highest ordinal of a call in a table; 0: there is none. */
export async function lastCall(
  store: Pick<Store, 'scan'>,
  table: 'call' | 'parked',
): Promise<number> {
  const from = prefixOf(table);
  let [last, to] = [0, behind(from)];
  for (;;) {
    const [row] = await store.scan({ from, to, limit: 1, reverse: true });
    if (row === undefined) return last;
    last = Math.max(last, ordinalOf(row.key));
    // Before the first of this service there is the last of another one.
    to = row.key.subarray(0, row.key.byteLength - 8);
  }
}

/** Has a call wait for a person, unless it has its result. */
export function parkCall(
  store: LedgerStore,
  call: PendingCall,
  parking: Parking,
): Promise<boolean> {
  return store.submit({
    devices: [call.device],
    reads: () => callReads([call]),
    bytes: 1_024 + call.input.byteLength,
    apply: (draft) => {
      const row = draft.get(callKey('call', call), callRow);
      if (row === undefined || !isWaiting(draft, call)) return false;
      draft.delete(callKey('call', call));
      draft.put(callKey('parked', call), parkedRow.encode({ ...row, parking }));
      return true;
    },
  });
}

/** Has parked calls wait for their handler again, in pages. */
export async function requeueCalls(
  store: LedgerStore,
  calls: readonly PendingCall[],
): Promise<number> {
  let requeued = 0;
  for (let from = 0; from < calls.length; from += PAGE) {
    const page = calls.slice(from, from + PAGE);
    requeued += await store.submit({
      devices: [...new Set(page.map(({ device }) => device))],
      reads: () => callReads(page),
      bytes: page.reduce((sum, { input }) => sum + 1_024 + input.byteLength, 0),
      apply: (draft) => page.filter((call) => requeue(draft, call)).length,
    });
  }
  return requeued;
}

function requeue(draft: Draft, call: PendingCall): boolean {
  const row = draft.get(callKey('parked', call), parkedRow);
  if (row === undefined || !isWaiting(draft, call)) return false;
  const { parking: _, ...waiting } = row;
  draft.delete(callKey('parked', call));
  draft.put(callKey('call', call), callRow.encode(waiting));
  return true;
}

function callReads(calls: readonly PendingCall[]): Uint8Array[] {
  return calls.flatMap((call) => [
    callKeyKey(call),
    callKey('call', call),
    callKey('parked', call),
  ]);
}

function isWaiting(draft: Draft, call: PendingCall): boolean {
  return draft.get(callKeyKey(call), callStateRow)?.answered === 0;
}
