import { NO_BYTES, type Command } from '@holdfast/protocol';
import { behind, commandKey, prefixOf } from './ledger-keys.ts';
import { commandRow } from './ledger-rows.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { Ledger } from './ledger.ts';

/**
 * The next commands of a device, without gaps. One that is not kept any more was answered long ago,
 * or had never been given: a device that was set back behind it gets one in its place that has
 * expired, and goes on with the next.
 */
export async function readCommands(
  store: LedgerStore,
  { device, after, limit }: Parameters<Ledger['commands']>[0],
): Promise<readonly Command[]> {
  // Most devices that greet have none: it is known without a look at the rows.
  const { lastCommand = 0 } = (await store.device(device)) ?? {};
  if (lastCommand <= after) return [];
  const to = behind(prefixOf('command', device));
  const rows = await store.scan({ from: commandKey(device, after + 1), to, limit });
  const found = rows.map(({ value }) => commandRow.decode(value));
  const numbers = Math.min(limit, (found.at(-1)?.number ?? lastCommand) - after);
  const known = new Map(found.map((command) => [command.number, command]));
  return Array.from({ length: numbers }, (_, index) => {
    const number = after + 1 + index;
    return known.get(number) ?? goneCommand(number);
  });
}

/** It has expired at the first moment of 1970: nothing else is read of it. */
function goneCommand(number: number): Command {
  const nothing = { run: '', op: 0, key: '', name: '', payload: NO_BYTES };
  return { number, kind: 'run.cancel', expiresAtMs: 1, ...nothing };
}
