import { HoldfastError, type Log } from '@holdfast/protocol';
import type { AccessDesk } from './core/access/access-views.ts';
import { auditedCa, auditedDesk, auditedFleet } from './core/access/audited.ts';
import { createDesk } from './core/access/desk.ts';
import type { CaDesk } from './core/certificates/ca-desk.ts';
import { createFleet } from './core/fleet.ts';
import type { Fleet } from './core/fleet-views.ts';
import type { WebhookDesk } from './core/out/fleet-webhooks.ts';
import { caDeskOf } from './device-desks.ts';
import { readTlsWishes } from './gateway-tls.ts';
import { createAccess, openAccessStore } from './io/access-store.ts';
import { CaStore } from './io/ca-store.ts';
import { openDataDir, type DataDir } from './io/data-dir.ts';
import { openIdentity } from './io/identity.ts';
import { openLevelLedger } from './io/level-ledger.ts';
import { openLedgerAt } from './io/open-ledger.ts';
import type { SecretBox } from './io/secret-box.ts';
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
    const access = createAccess(await openAccessStore(dataDir.access), systemClock);
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
 * A ledger in a database with its users and tokens, whether gateways run on it or not. Makes
 * nothing.
 *
 * @param user Who asks, for the audit log.
 * @throws HF_CONFIG_INVALID, HF_DATA_DIR_MISSING, HF_LEDGER_UNAVAILABLE, HF_STORE_DAMAGED,
 *   HF_STORE_FORMAT.
 */
export async function openInDatabase(
  address: string,
  user: string,
): Promise<Omit<StoppedGateway, 'ca'>> {
  const { ledger, ...beside } = await openLedgerAt(address);
  const access = createAccess(beside.access, systemClock);
  const by = `local:${user}`;
  const webhooks = createWebhookDesk({ gateway: 'gw', secrets: noSecrets });
  const plain = createFleet({ sha256, ledger, clock: systemClock, webhooks });
  const fleet = auditedFleet(plain, access.audit, by);
  const desk = auditedDesk(createDesk(access, systemClock, by), access.audit, by);
  const close = async (): Promise<void> => {
    await access.close();
    await ledger.close();
  };
  return { fleet, desk, close };
}

async function stoppedDesk({ path }: DataDir): Promise<WebhookDesk> {
  const identity = await openIdentity(path);
  return createWebhookDesk({ ...namesOf(identity), secrets: identity.secrets });
}

/** The key that opens secrets is not in the database. */
const noSecrets: SecretBox = { seal: () => withoutKey(), open: () => withoutKey() };

function withoutKey(): never {
  const why = 'this takes the key of the gateway: ask it, by --url or --data-dir';
  throw new HoldfastError('HF_REQUEST_INVALID', { why });
}
