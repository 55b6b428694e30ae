import { answer, boolean, choice, count, described } from '@holdfast/protocol/json-schema';
import { list, literal, nullable, object, string } from '@holdfast/protocol/json-schema';
import { time, type JsonSchema } from '@holdfast/protocol/json-schema';
import { bytes, epoch, lane, seq } from './parts.ts';

/** What the commands about a store and its journal print. */

const path = () => described(string(), 'absolute');
/** Absent: it is what the ledger has acknowledged, or that is not known. */
const isForked: JsonSchema<true> = { type: 'boolean', const: true };
const fault = () => object({ lane: lane(), seq: seq(), why: string() }, { isForked });
const ofStore = { device: nullable(string()), epoch: nullable(count()) };
const movedTo = () => described(nullable(string()), 'name of the store that was there');

export const storeCheck = answer({
  ...{ schema: literal('holdfast.store-check/1'), dataDir: path() },
  state: choice(['sound', 'torn', 'damaged', 'inconsistent']),
  why: nullable(string()),
  isCopy: described(boolean(), 'its agent runs: what that reads was looked at'),
  ...{ encrypted: boolean(), ...ofStore, tornBytes: bytes(), entries: count() },
  pending: described(count(), 'entries that the ledger is not known to have'),
  runs: answer({ open: count(), ended: count() }),
  ...{ faults: list(fault()), mismatches: list(string()) },
  aside: described(list(string()), 'names of what lies beside the store'),
});

export const journalVerify = answer({
  ...{ schema: literal('holdfast.journal-verify/1'), ...ofStore, whole: boolean() },
  ...{ lanes: count(), entries: count() },
  store: described(nullable(string()), 'why it cannot be read'),
  faults: list(fault()),
});

export const storeSnapshot = answer({
  ...{ schema: literal('holdfast.store-snapshot/1'), file: path(), device: string() },
  ...{ epoch: epoch(), at: time(), encrypted: boolean(), rows: count(), bytes: bytes() },
});

export const storeRestore = answer({
  ...{ schema: literal('holdfast.store-restore/1'), dataDir: path(), device: string() },
  ...{ epoch: epoch(), at: time(), rows: count(), movedTo: movedTo() },
});

export const storeMigrate = answer({
  ...{ schema: literal('holdfast.store-migrate/1'), dataDir: path(), from: count(), to: count() },
  ...{ bytesNeeded: bytes(), bytesFree: bytes(), dryRun: boolean(), movedTo: movedTo() },
});

export const storeRekey = answer({
  ...{ schema: literal('holdfast.store-rekey/1'), dataDir: path() },
  rows: described(nullable(count()), 'encrypted anew; null: only what opens them was'),
  aside: list(string()),
});

const range = () => answer({ lane: lane(), first: seq(), last: seq() });

/** On stderr: stdout has the entries. */
export const storeSalvage = answer({
  ...{ schema: literal('holdfast.store-salvage/1'), storeDir: path(), ...ofStore },
  ...{ entries: count(), changed: list(range()), missing: list(range()) },
  damagedFiles: list(string()),
});
