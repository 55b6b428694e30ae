import { hex, type Log, type Signer } from '@holdfast/protocol';
import { Fault } from './core/fault.ts';
import type { SessionsLimits } from './core/sessions.ts';
import { openTls, type TlsWishes } from './gateway-tls.ts';
import { createAccess, openAccessStore } from './io/access-store.ts';
import { openDataDir } from './io/data-dir.ts';
import { openIdentity } from './io/identity.ts';
import { openLedger } from './io/open-ledger.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';

/** What to end when the start fails later on, in the order of its beginning. */
export type Closers = (() => Promise<void>)[];

export interface StoresPlace {
  readonly dataDir: string;
  /** Address of a database; `undefined`: the ledger is in the directory. */
  readonly ledger?: string | undefined;
  readonly wishes: TlsWishes;
}

/** What a gateway keeps: its keys, the ledger, and who may use it. */
export async function openStores(options: StoresPlace, log: Log, closers: Closers) {
  const dataDir = await openDataDir(options.dataDir, { isNew: true });
  closers.push(() => dataDir.release());
  const signer = await openIdentity(dataDir.path);
  const tls = await openTls(options.wishes, { dataDir: dataDir.path, clock: systemClock, log });
  closers.push(() => Promise.resolve(tls.close()));
  const fault = new Fault(log);
  const onFailure = (error: unknown) => fault.tell(error);
  const { publicKey: identity } = signer;
  const place = { address: options.ledger, dir: dataDir.ledger, identity };
  const { ledger, problem, follow, ...beside } = await openLedger({ ...place, log, onFailure });
  closers.push(() => ledger.close());
  const store = beside.access ?? (await openAccessStore(dataDir.access));
  const access = createAccess(store, systemClock);
  closers.push(() => access.close());
  return { dataDir, signer, tls, fault, ledger, problem, follow, access };
}

/** A name that stays the same for as long as the key does. */
export function namesOf({ publicKey }: Signer): Pick<SessionsLimits, 'gateway' | 'publicKey'> {
  return { gateway: `gw-${hex(sha256(publicKey)).slice(0, 12)}`, publicKey };
}
