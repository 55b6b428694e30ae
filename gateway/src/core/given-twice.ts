import type { Command, Entry, EntryOf } from '@holdfast/protocol';
import type { Draft } from './ledger-draft.ts';
import { commandKey } from './ledger-keys.ts';
import { commandRow } from './ledger-rows.ts';

type Receipt = EntryOf<'call.completed'> | EntryOf<'call.failed'> | EntryOf<'command.receipt'>;

/** The entry, if it says what became of a command. */
export function receiptOf(entry: Entry | undefined): Receipt | undefined {
  return entry !== undefined && 'command' in entry && entry.command > 0 ? entry : undefined;
}

/**
 * A ledger that was set back may give a number to a command that the device knows for another one,
 * and passes over. The receipt of that other one tells: the command gets a new number, above all
 * that the device has applied.
 *
 * @returns Whether one did.
 */
export function giveAgain(draft: Draft, device: string, receipt: Receipt): boolean {
  const record = draft.device(device);
  const command = draft.get(commandKey(device, receipt.command), commandRow);
  if (record === undefined || command === undefined || isOf(receipt, command)) return false;
  const number = Math.max(record.lastCommand, receipt.command) + 1;
  draft.setDevice({ ...record, lastCommand: number });
  draft.put(commandKey(device, number), commandRow.encode({ ...command, number }));
  return true;
}

function isOf(receipt: Receipt, command: Command): boolean {
  if (receipt.kind !== 'command.receipt') {
    return receipt.run === command.run && receipt.op === command.op;
  }
  // A device that does not tell the key is believed.
  return receipt.key === '' || receipt.key === command.key;
}
