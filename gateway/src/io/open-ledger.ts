import type { Log } from '@holdfast/protocol';
import type { AccessStore } from '../core/access/access-store.ts';
import type { Ledger } from '../core/ledger.ts';
import { openLevelLedger } from './level-ledger.ts';
import { sha256 } from './sha256.ts';
import { systemClock } from './system-clock.ts';

export interface OpenLedger {
  readonly ledger: Ledger;
  /** Users, tokens and the audit log, where they are beside it for all gateways. */
  readonly access?: AccessStore;
  /** Why it cannot be used now; `undefined`: it can. */
  readonly problem: () => string | undefined;
  /** Has somebody told of what happens to it beside what is done here. */
  readonly follow: (told: LedgerFollower) => void;
}

export interface LedgerFollower {
  /** A command was issued for this device, by whichever gateway. */
  readonly onCommand: (device: string) => void;
  /** Commands may have been issued that nobody was told of. */
  readonly onGap: () => void;
  /** Why it cannot be used from now on; `undefined`: it can again. */
  readonly onChange: (problem: string | undefined) => void;
}

/**
 * Opens the ledger of a gateway, or makes it: in a database where an address is given, else in a
 * directory. A database that cannot be reached is waited for, see `problem`.
 */
export async function openLedger(place: {
  readonly address: string | undefined;
  readonly dir: string;
  /** Key of the gateway. */
  readonly identity: Uint8Array;
  readonly log: Log;
  readonly onFailure: (error: unknown) => void;
}): Promise<OpenLedger> {
  const { address, dir, identity, log, onFailure } = place;
  if (address === undefined) {
    const ledger = await openLevelLedger(dir, { sha256, isNew: true });
    return { ledger, problem: () => undefined, follow: () => {} };
  }
  const { openPostgresLedger } = await import('./postgres/postgres-ledger.ts');
  const parts = { address, identity, sha256, clock: systemClock, log, onFailure };
  return openPostgresLedger({ ...parts, isNew: true });
}

/** Opens a ledger that has to be in a database, and the database there, and what is beside it. */
export async function openLedgerAt(
  address: string,
): Promise<{ readonly ledger: Ledger; readonly access: AccessStore }> {
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const { openPostgresLedger } = await import('./postgres/postgres-ledger.ts');
  const parts = { address, sha256, clock: systemClock, log };
  return openPostgresLedger({ ...parts, isNew: false });
}
