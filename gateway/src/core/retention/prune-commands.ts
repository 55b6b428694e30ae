import type { StoreRow } from '@holdfast/protocol';
import {
  behind,
  commandKey,
  commandKeyOf,
  commandMarksKey,
  dispatchKey,
  dispatchOrderKey,
  dispatchedOf,
  prefixOf,
  talliesOf,
} from '../ledger-keys.ts';
import {
  commandMarksRow,
  dispatchIdRow,
  dispatchRow,
  dispatchedRow,
  type CommandMarks,
  type DispatchRow,
} from '../ledger-rows.ts';
import type { LedgerStore } from '../ledger-store.ts';
import { rowsOf } from '../ledger-verify.ts';
import type { DeviceRecord } from '../ledger.ts';

export interface CommandsKept {
  /** How long a command stays once the device has said what became of it. */
  readonly keepMs: number;
  readonly nowMs: number;
}

/** How often in that time it is noted how far a device was. */
const MARKS_MAX = 8;
const ROWS_MAX = 256;

/**
 * Takes out the commands that a device had answered so long ago. A command has no time of its own:
 * now and again it is noted through which number they are answered.
 *
 * @returns How many went.
 */
export async function pruneCommands(
  store: LedgerStore,
  { device, lastReceipt }: DeviceRecord,
  kept: CommandsKept,
): Promise<number> {
  const key = commandMarksKey(device);
  const stored = await store.get(key);
  const marks = stored === undefined ? [] : commandMarksRow.decode(stored);
  const over = marks.findLast(({ atMs }) => atMs <= kept.nowMs - kept.keepMs);
  const pruned = over === undefined ? 0 : await deleteThrough(store, device, over.through);
  const next = marksAfter(marks, lastReceipt, kept);
  if (next !== undefined) {
    await store.submit({
      ...{ devices: [device], reads: () => [], bytes: 512 },
      apply: (draft) => {
        if (next.length === 0) draft.delete(key);
        else draft.put(key, commandMarksRow.encode(next));
      },
    });
  }
  return pruned;
}

/** Those that still tell something; `undefined`: they are as they were. */
function marksAfter(
  marks: CommandMarks,
  through: number,
  { keepMs, nowMs }: CommandsKept,
): CommandMarks | undefined {
  const open = marks.filter(({ atMs }) => atMs > nowMs - keepMs);
  const last = open.at(-1);
  const isFurther = through > (marks.at(-1)?.through ?? 0);
  const isTime = last === undefined || nowMs - last.atMs >= keepMs / MARKS_MAX;
  if (isFurther && isTime) return [...open, { through, atMs: nowMs }];
  return open.length < marks.length ? open : undefined;
}

async function deleteThrough(
  store: LedgerStore,
  device: string,
  through: number,
): Promise<number> {
  const range = { from: prefixOf('command', device), to: commandKey(device, through + 1) };
  let count = 0;
  for (;;) {
    const rows = await store.scan({ ...range, limit: ROWS_MAX });
    await deleteRows(store, rows, [device]);
    count += rows.length;
    if (rows.length < ROWS_MAX) return count;
  }
}

async function deleteRows(
  store: LedgerStore,
  rows: readonly Pick<StoreRow, 'key'>[],
  devices: readonly string[],
): Promise<void> {
  if (rows.length === 0) return;
  await store.submit({
    ...{ devices, reads: () => [], bytes: 64 * rows.length },
    apply: (draft) => {
      for (const { key } of rows) draft.delete(key);
    },
  });
}

/** Forgets whom commands were about that are there no more. */
export async function pruneAnswers(store: LedgerStore): Promise<void> {
  const prefix = prefixOf('answer');
  let from = prefix;
  for (;;) {
    const rows = await store.scan({ from, to: behind(prefix), limit: ROWS_MAX });
    const commands = await store.getMany(rows.map(({ key }) => commandKeyOf(key)));
    await deleteRows(store, rows.filter((_, index) => commands[index] === undefined), []);
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_MAX) return;
    from = Uint8Array.of(...last.key, 0);
  }
}

/**
 * Forgets what was issued so long ago and has ended on each device.
 *
 * @returns How many devices they were for, all together.
 */
export async function pruneDispatches(
  store: LedgerStore,
  { keepMs, nowMs }: CommandsKept,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  for await (const { value } of rowsOf(store, prefixOf('dispatchOrder'), ROWS_MAX)) {
    if (isOver()) break;
    const stored = await store.get(dispatchKey(dispatchIdRow.decode(value).id));
    const dispatch = stored && dispatchRow.decode(stored);
    // What is behind it was issued later.
    if (dispatch !== undefined && dispatch.issuedAtMs > nowMs - keepMs) break;
    if (dispatch === undefined || (await isAwaited(store, dispatch.id))) continue;
    count += await forgetDispatch(store, dispatch);
  }
  return count;
}

async function isAwaited(store: LedgerStore, id: string): Promise<boolean> {
  for await (const { value } of rowsOf(store, dispatchedOf(id), ROWS_MAX)) {
    if (dispatchedRow.decode(value).outcome === 'waiting') return true;
  }
  return false;
}

/** Its devices first: while it is there itself, nobody is given it again. */
async function forgetDispatch(
  store: LedgerStore,
  { id, ordinal }: DispatchRow,
): Promise<number> {
  const prefix = dispatchedOf(id);
  let count = 0;
  for (;;) {
    const rows = await store.scan({ from: prefix, to: behind(prefix), limit: ROWS_MAX });
    await deleteRows(store, rows, []);
    count += rows.length;
    if (rows.length < ROWS_MAX) break;
  }
  const tallies = talliesOf(id);
  const counts = await store.scan({ from: tallies, to: behind(tallies), limit: ROWS_MAX });
  const own = [{ key: dispatchKey(id) }, { key: dispatchOrderKey(ordinal) }];
  await deleteRows(store, [...counts, ...own], []);
  return count;
}
