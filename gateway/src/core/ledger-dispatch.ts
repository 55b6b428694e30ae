import { equalBytes, type Command, type EntryOf } from '@holdfast/protocol';
import type { Dispatch, DispatchOrder, Instruction, Tag } from './dispatch.ts';
import { countDevice, readCounts, tallyKeyOf } from './dispatch-tally.ts';
import type { Draft } from './ledger-draft.ts';
import {
  behind,
  commandKey,
  dispatchKey,
  dispatchOrderKey,
  dispatchedKey,
  dispatchedOf,
  prefixOf,
} from './ledger-keys.ts';
import {
  commandRow,
  dispatchIdRow,
  dispatchRow,
  dispatchedRow,
  type DispatchRow,
} from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import type { DeviceRecord, Ledger } from './ledger.ts';

/** Gives a device these tags. */
export function tagDevice(
  draft: Draft,
  device: string,
  tags: readonly Tag[],
): DeviceRecord | undefined {
  const known = draft.device(device);
  if (known === undefined) return undefined;
  const record = { ...known, tags };
  draft.setDevice(record);
  return record;
}

/** The rows that issuing to these devices may read. */
export function issueReads({ dispatch, devices }: DispatchOrder): Uint8Array[] {
  const { id } = dispatch;
  return [
    dispatchKey(id),
    ...devices.flatMap((device) => [dispatchedKey(id, device), tallyKeyOf(id, device)]),
  ];
}

/**
 * Gives each device the command under its next number, if it has it not yet.
 *
 * @returns `false`: another content has its id, and nothing is changed.
 */
export function issueCommands(draft: Draft, order: DispatchOrder): boolean {
  const { dispatch, devices, isLast } = order;
  const known = draft.get(dispatchKey(dispatch.id), dispatchRow);
  if (known !== undefined && !isSame(known, dispatch)) return false;
  // Whoever has come since is not meant.
  if (known?.isComplete === 1) return true;
  const row = known ?? begin(draft, dispatch);
  for (const device of devices) give(draft, row, device);
  const isComplete = isLast ? 1 : 0;
  draft.put(dispatchKey(row.id), dispatchRow.encode({ ...row, isComplete }));
  return true;
}

/** Whether it is that which was issued under this id before. */
function isSame(known: DispatchRow, { kind, run, name, payload }: Instruction): boolean {
  const isAlike = known.kind === kind && known.run === run && known.name === name;
  return isAlike && equalBytes(known.payload, payload);
}

function begin(draft: Draft, dispatch: Instruction): DispatchRow {
  const ordinal = draft.nextOrdinal();
  draft.put(dispatchOrderKey(ordinal), dispatchIdRow.encode({ id: dispatch.id }));
  return { ...dispatch, ordinal, isComplete: 0 };
}

function give(draft: Draft, dispatch: DispatchRow, device: string): void {
  const record = draft.device(device);
  const key = dispatchedKey(dispatch.id, device);
  if (record === undefined || draft.get(key, dispatchedRow) !== undefined) return;
  const { id, kind, run, name, payload, expiresAtMs } = dispatch;
  const number = record.lastCommand + 1;
  const command: Command = { number, kind, expiresAtMs, run, op: 0, key: id, payload, name };
  draft.setDevice({ ...record, lastCommand: number });
  draft.put(commandKey(device, number), commandRow.encode(command));
  const waiting = { device, number, outcome: 'waiting', reason: '', settledAtMs: 0 } as const;
  draft.put(key, dispatchedRow.encode(waiting));
  countDevice(draft, { id, device }, 'given');
}

/**
 * Takes a receipt into account. A device that was set back may say twice what became of a command:
 * what it said first is what counts.
 */
export function settleCommand(
  draft: Draft,
  device: string,
  receipt: EntryOf<'command.receipt'>,
  atMs: number,
): void {
  const { key: id, outcome, reason, command: number } = receipt;
  const key = dispatchedKey(id, device);
  const known = draft.get(key, dispatchedRow);
  if (known?.outcome !== 'waiting') return;
  draft.put(key, dispatchedRow.encode({ ...known, number, outcome, reason, settledAtMs: atMs }));
  countDevice(draft, { id, device }, outcome);
}

/** Reads what was issued, and how far it is. */
export class Dispatches {
  readonly #reads: Reads;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  async one(id: string): Promise<Dispatch | undefined> {
    const row = await this.#reads.get(dispatchKey(id));
    return row && this.#counted(dispatchRow.decode(row));
  }

  async page({ before, limit }: Parameters<Ledger['dispatches']>[0]): Promise<readonly Dispatch[]> {
    const from = prefixOf('dispatchOrder');
    const to = before === undefined ? behind(from) : dispatchOrderKey(before);
    const order = await this.#reads.scan({ from, to, limit, reverse: true });
    const ids = order.map(({ value }) => dispatchKey(dispatchIdRow.decode(value).id));
    const found: Dispatch[] = [];
    for (const row of await this.#reads.getMany(ids)) {
      if (row !== undefined) found.push(await this.#counted(dispatchRow.decode(row)));
    }
    return found;
  }

  async devices({
    id,
    device,
    after,
    outcome,
    limit,
  }: Parameters<Ledger['dispatched']>[0]): ReturnType<Ledger['dispatched']> {
    const prefix = dispatchedOf(id);
    const first = after === undefined ? prefix : dispatchedKey(id, `${after}\0`);
    // No id of a device has a zero in it: up to there, there is this one alone.
    const [from, to] =
      device === undefined
        ? [first, behind(prefix)]
        : [dispatchedKey(id, device), dispatchedKey(id, `${device}\0`)];
    const rows = await this.#reads.scan({ from, to, limit });
    const found = rows.map(({ value }) => dispatchedRow.decode(value));
    return {
      commands: found.filter((each) => outcome === undefined || each.outcome === outcome),
      next: rows.length < limit ? undefined : found.at(-1)?.device,
    };
  }

  async #counted({ isComplete, ...row }: DispatchRow): Promise<Dispatch> {
    const counts = await readCounts(this.#reads, row.id);
    return { ...row, isComplete: isComplete === 1, counts };
  }
}
