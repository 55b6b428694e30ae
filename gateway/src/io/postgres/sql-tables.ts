import { concat } from '@holdfast/protocol';
import { tableLetters, type Table } from '../../core/ledger-keys.ts';

/** A table in PostgreSQL that has the rows of one table of the ledger. */
export interface SqlTable {
  /** With its schema. */
  readonly name: string;
  readonly letter: string;
  /** Its primary key begins with the device, not with the key. */
  readonly isOfDevice: boolean;
}

/** A key of the ledger as PostgreSQL has it: what follows the letter, the device taken out. */
export interface SqlKey {
  readonly table: SqlTable;
  /** Empty: the table is not of devices, or the key names none. */
  readonly device: string;
  readonly key: Uint8Array;
}

const shapes: Readonly<Record<Table, readonly [name: string, of: 'device' | 'fleet']>> = {
  meta: ['meta', 'fleet'],
  device: ['device', 'device'],
  epoch: ['epoch', 'device'],
  key: ['device_key', 'device'],
  position: ['position', 'device'],
  block: ['block', 'device'],
  hole: ['hole', 'device'],
  run: ['run', 'device'],
  runOrder: ['run_order', 'fleet'],
  ownOrder: ['own_order', 'device'],
  runState: ['run_state', 'fleet'],
  call: ['call', 'fleet'],
  parked: ['parked_call', 'fleet'],
  callKey: ['call_key', 'device'],
  callPlace: ['call_place', 'device'],
  command: ['command', 'device'],
  commandMarks: ['command_marks', 'device'],
  content: ['content', 'device'],
  subject: ['subject', 'fleet'],
  answer: ['answer', 'fleet'],
  erased: ['erased', 'fleet'],
  erasure: ['erasure', 'fleet'],
  clock: ['clock', 'device'],
  incarnation: ['incarnation', 'device'],
  dispatch: ['dispatch', 'fleet'],
  dispatchOrder: ['dispatch_order', 'fleet'],
  dispatched: ['dispatched', 'fleet'],
  quarantine: ['quarantine', 'device'],
  late: ['late', 'device'],
  subscriber: ['webhook', 'fleet'],
  outCursor: ['webhook_cursor', 'fleet'],
  dead: ['webhook_dead', 'fleet'],
  pruning: ['pruning', 'fleet'],
  newLife: ['new_life', 'fleet'],
  tagged: ['tagged', 'fleet'],
  tally: ['dispatch_tally', 'fleet'],
};

const byLetter = new Map<string, SqlTable>();
// The keys of both are those of one type.
for (const table of Object.keys(shapes) as Table[]) {
  const [name, of] = shapes[table];
  const letter = tableLetters[table];
  byLetter.set(letter, { name: `holdfast.${name}`, letter, isOfDevice: of === 'device' });
}

export const sqlTables: readonly SqlTable[] = [...byLetter.values()];

export function splitKey(key: Uint8Array): SqlKey {
  const table = byLetter.get(String.fromCharCode(key[0] ?? 0));
  if (table === undefined) throw new TypeError('a key of no table of the ledger');
  const end = table.isOfDevice ? key.indexOf(0) : 0;
  const device = end > 0 ? String.fromCharCode(...key.subarray(1, end)) : '';
  return { table, device, key: key.subarray(Math.max(1, end + 1)) };
}

export function joinKey({ table, device, key }: SqlKey): Uint8Array {
  const head = table.isOfDevice ? `${table.letter}${device}\0` : table.letter;
  return concat([Uint8Array.from(head, (char) => char.charCodeAt(0)), key]);
}
