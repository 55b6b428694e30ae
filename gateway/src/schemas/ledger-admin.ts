import { answer, boolean, count, described, list } from '@holdfast/protocol/json-schema';
import { literal, nullable, string } from '@holdfast/protocol/json-schema';

/** What commands print that only this machine can do. */

const ledger = () => described(string(), 'address of the database, without its password');

export const ledgerMigrate = answer({
  ...{ schema: literal('holdfast.ledger-migrate/1'), ledger: ledger(), dryRun: boolean() },
  migrations: described(list(string()), 'those that were missing'),
});

export const ledgerCopy = answer({
  ...{ schema: literal('holdfast.ledger-copy/1'), ledger: ledger(), rows: count() },
  ...{ entries: count(), whole: boolean() },
});

export const ledgerRebuild = answer({
  ...{ schema: literal('holdfast.ledger-rebuild/1'), entries: count(), runs: count() },
  calls: described(count(), 'without a result'),
});

export const keysMoved = answer({
  schema: literal('holdfast.gateway-keys-moved/1'),
  to: described(string(), 'where they are'),
  key: described(string(), 'name of the key by which devices know the gateway'),
  authority: described(string(), 'SHA-256 of the certificate of its authority, in hex'),
});

export const listening = answer({
  ...{ schema: literal('holdfast.listening/1'), mqtt: string(), http: string(), pid: count() },
  tokenFile: described(nullable(string()), 'file with the token of an admin for the HTTP API'),
});
