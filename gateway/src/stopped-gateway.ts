import type { Log } from '@holdfast/protocol';
import type { AccessDesk } from './core/access/access-views.ts';
import { auditedCa, auditedDesk, auditedFleet } from './core/access/audited.ts';
import { createDesk } from './core/access/desk.ts';
import type { CaDesk } from './core/certificates/ca-desk.ts';
import { createFleet } from './core/fleet.ts';
import type { Fleet } from './core/fleet-views.ts';
import type { WebhookDesk } from './core/out/fleet-webhooks.ts';
import { caDeskOf } from './device-desks.ts';
import { readTlsWishes } from './gateway-tls.ts';
import { openAccess } from './io/access-store.ts';
import { CaStore } from './io/ca-store.ts';
import { openDataDir, type DataDir } from './io/data-dir.ts';
import { openIdentity } from './io/identity.ts';
import { openLevelLedger } from './io/level-ledger.ts';
import { openLedgerAt } from './io/open-ledger.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';
import { namesOf, openStores, type Closers } from './open-stores.ts';
import { createWebhookDesk } from './open-webhooks.ts';

const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };

/** What can be asked of, and decided at, a gateway. */
export interface StoppedGateway {
  readonly fleet: Fleet;
  readonly desk: AccessDesk;
  readonly ca: CaDesk;
  close(): Promise<void>;
}

/**
 * The data directory of a gateway that does not run.
 *
 * @param user Who asks, for the audit log.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT.
 */
export async function openStopped(path: string, user: string): Promise<StoppedGateway> {
  const closers: Closers = [];
  const close = async (): Promise<void> => {
    for (const each of closers.toReversed()) await each();
  };
  try {
    const dataDir = await openDataDir(path, { isNew: false });
    closers.push(() => dataDir.release());
    const ledger = await openLevelLedger(dataDir.ledger, { sha256, isNew: false });
    closers.push(() => ledger.close());
    const access = await openAccess(dataDir.access, systemClock);
    closers.push(() => access.close());
    const by = `local:${user}`;
    const fleet = auditedFleet(
      createFleet({ sha256, ledger, clock: systemClock, webhooks: await stoppedDesk(dataDir) }),
      access.audit,
      by,
    );
    const desk = auditedDesk(createDesk(access, systemClock, by), access.audit, by);
    const store = await CaStore.open(dataDir.path, systemClock);
    const rotate = (isTrusted: boolean) => store.rotate(isTrusted);
    const ca = auditedCa(caDeskOf({ store, rotate, ledger }), access.audit, by);
    return { fleet, desk, ca, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Makes the data directory of a gateway that was never started: its keys, its authority, and its
 * ledger where that is not in a database. What is there stays.
 *
 * @throws HF_DATA_DIR_UNUSABLE, HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT.
 */
export async function initGateway(dataDir: string): Promise<void> {
  const closers: Closers = [];
  const wishes = await readTlsWishes({});
  try {
    await openStores({ dataDir, wishes }, silent, closers);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/**
 * Views of a ledger in a database, whether gateways run on it or not. Makes nothing.
 *
 * @throws HF_CONFIG_INVALID, HF_DATA_DIR_MISSING, HF_LEDGER_UNAVAILABLE, HF_STORE_DAMAGED,
 *   HF_STORE_FORMAT.
 */
export async function openFleetIn(
  address: string,
): Promise<{ readonly fleet: Fleet; readonly close: () => Promise<void> }> {
  const ledger = await openLedgerAt(address);
  const webhooks = createWebhookDesk({ gateway: 'gw' });
  const fleet = createFleet({ sha256, ledger, clock: systemClock, webhooks });
  return { fleet, close: () => ledger.close() };
}

async function stoppedDesk({ path }: DataDir): Promise<WebhookDesk> {
  return createWebhookDesk({ gateway: namesOf(await openIdentity(path)).gateway });
}
