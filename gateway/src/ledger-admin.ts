import { HoldfastError, type OnProgress, type StoreOp } from '@holdfast/protocol';
import type { AccessStore } from './core/access/access-store.ts';
import { accessTables, accessRange } from './core/access/access-rows.ts';
import { tableLetters } from './core/ledger-keys.ts';
import type { Ledger, RebuildReport } from './core/ledger.ts';
import { openAccessStore } from './io/access-store.ts';
import { openDataDir } from './io/data-dir.ts';
import { openLevelLedger } from './io/level-ledger.ts';
import { LevelStore, openLevel } from './io/level-store.ts';
import { openLedgerAt } from './io/open-ledger.ts';
import { sha256 } from './io/sha256.ts';

/** What `ledger migrate` did, or would do. */
export interface LedgerMigrateView {
  readonly schema: 'holdfast.ledger-migrate/1';
  /** Address of the database, without its password. */
  readonly ledger: string;
  readonly dryRun: boolean;
  /** Names of the migrations that were missing. */
  readonly migrations: readonly string[];
}

/**
 * Brings the tables of a ledger in PostgreSQL up to this version, or makes them. All missing
 * migrations are one transaction.
 *
 * @throws HF_CONFIG_INVALID, HF_LEDGER_UNAVAILABLE, HF_STORE_DAMAGED for a schema of something
 *   else, HF_STORE_FORMAT for a newer one. Nothing is changed then.
 */
export async function migrateLedger(
  address: string,
  { dryRun }: { readonly dryRun: boolean },
): Promise<LedgerMigrateView> {
  const databases = await import('./io/postgres/database.ts');
  const { missingOf, readMigrated, readMigrations } = await import('./io/postgres/migrations.ts');
  const { createLedger } = await import('./io/postgres/postgres-ledger.ts');
  const url = databases.readDatabaseUrl(address);
  const database = databases.openDatabase(url);
  try {
    await database.check();
    const known = await readMigrations();
    const missing = missingOf(await readMigrated(database, known), known);
    if (!dryRun) await createLedger(database, known);
    const migrations = missing.map(({ name }) => name);
    const ledger = databases.shownDatabase(url);
    return { schema: 'holdfast.ledger-migrate/1', ledger, dryRun, migrations };
  } finally {
    await database.close();
  }
}

/** What `ledger copy` did. */
export interface LedgerCopyView {
  readonly schema: 'holdfast.ledger-copy/1';
  /** Address of the database, without its password. */
  readonly ledger: string;
  readonly rows: number;
  /** That the copy has, each checked against its chain. */
  readonly entries: number;
  readonly whole: boolean;
}

/**
 * Copies the ledger of a gateway that does not run into a database that has none, with its users,
 * tokens and audit log, and checks every chain of the copy. What stopped short is begun anew by the
 * next copy, and no gateway takes it for a ledger until then.
 *
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT,
 *   HF_LEDGER_UNAVAILABLE; HF_REQUEST_INVALID when the database has devices.
 */
export async function copyLedger(
  dataDir: string,
  address: string,
  progress: OnProgress = () => {},
): Promise<LedgerCopyView> {
  const { LedgerCopy } = await import('./io/postgres/ledger-copy.ts');
  const dir = await openDataDir(dataDir, { isNew: false });
  try {
    // Whether it is one that this version reads.
    await (await openLevelLedger(dir.ledger, { sha256, isNew: false })).close();
    const copy = await LedgerCopy.begin(address);
    const store = new LevelStore(await openLevel(dir.ledger, false));
    try {
      let ops: StoreOp[] = [];
      let bytes = 0;
      const total = await countRows(store);
      const flush = async (): Promise<void> => {
        await copy.write(ops);
        progress(copy.rows, total);
        [ops, bytes] = [[], 0];
      };
      for (const letter of Object.values(tableLetters)) {
        await store.each(rangeOf(letter), async ({ key, value }) => {
          ops.push({ kind: 'put', key, value });
          bytes += value.byteLength;
          if (ops.length >= ROWS_MAX || bytes >= BYTES_MAX) await flush();
        });
      }
      await flush();
      await copy.end();
    } finally {
      await store.close();
      await copy.close();
    }
    const { ledger, access } = await openLedgerAt(address);
    try {
      await copyAccess(dir.access, access);
      const { entries, faults } = await ledger.verify();
      const { rows, name } = copy;
      const whole = faults.length === 0;
      return { schema: 'holdfast.ledger-copy/1', ledger: name, rows, entries, whole };
    } finally {
      await ledger.close();
    }
  } finally {
    await dir.release();
  }
}

/** Who may use the gateway, and the audit log: the gateways of a database have them there. */
async function copyAccess(dir: string, to: AccessStore): Promise<void> {
  const from = await openAccessStore(dir);
  try {
    for (const table of accessTables) {
      const range = accessRange(table);
      let rows = await from.scan({ ...range, limit: ROWS_MAX });
      while (rows.length > 0) {
        const ops = rows.map((row): StoreOp => ({ kind: 'put', ...row }));
        await to.change(() => Promise.resolve({ ops, value: undefined }));
        const last = rows.at(-1)?.key ?? range.to;
        rows = await from.scan({ ...range, from: behindKey(last), limit: ROWS_MAX });
      }
    }
  } finally {
    await from.close();
  }
}

/** The first key that can come behind one. */
function behindKey(key: Uint8Array): Uint8Array {
  return Uint8Array.of(...key, 0);
}

/** Reading them once more costs little beside writing them into a database. */
async function countRows(store: LevelStore): Promise<number> {
  let rows = 0;
  for (const letter of Object.values(tableLetters)) {
    await store.each(rangeOf(letter), () => {
      rows += 1;
    });
  }
  return rows;
}

function rangeOf(letter: string) {
  const first = letter.charCodeAt(0);
  return { from: Uint8Array.of(first), to: Uint8Array.of(first + 1) };
}

const ROWS_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;

/** What `ledger rebuild` did. */
export interface LedgerRebuildView extends RebuildReport {
  readonly schema: 'holdfast.ledger-rebuild/1';
}

/**
 * Derives runs and pending calls anew from the entries, of a ledger that no gateway serves.
 *
 * @throws HF_STORE_LOCKED while one does; whatever opening the ledger throws.
 */
export async function rebuildLedger(
  place: { readonly dataDir: string } | { readonly ledger: string },
  progress?: OnProgress,
): Promise<LedgerRebuildView> {
  if ('dataDir' in place) {
    const dir = await openDataDir(place.dataDir, { isNew: false });
    try {
      const ledger = await openLevelLedger(dir.ledger, { sha256, isNew: false });
      return await rebuilt(ledger, progress);
    } finally {
      await dir.release();
    }
  }
  const { countGateways } = await import('./io/postgres/ledger-copy.ts');
  const gateways = await countGateways(place.ledger);
  if (gateways > 0) {
    const why = `${gateways} connections of gateways are open: stop them first`;
    throw new HoldfastError('HF_STORE_LOCKED', { why });
  }
  return rebuilt((await openLedgerAt(place.ledger)).ledger, progress);
}

async function rebuilt(
  ledger: Pick<Ledger, 'rebuild' | 'close'>,
  progress?: OnProgress,
): Promise<LedgerRebuildView> {
  try {
    return { schema: 'holdfast.ledger-rebuild/1', ...(await ledger.rebuild(progress)) };
  } finally {
    await ledger.close();
  }
}
