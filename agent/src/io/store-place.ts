import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, codeOf, messageOf, type OnProgress, type Store } from '@holdfast/protocol';
import { verifyTails } from '../core/chain-check.ts';
import { compare } from '../core/level-format/table-file.ts';
import type { EndNote } from '../core/life-end.ts';
import { pathBetween, type Migration } from '../core/migrations.ts';
import { DATA_FORMAT, type DeviceFile } from './device-file.ts';
import { lacksRoom } from './disk-probe.ts';
import { createStore, openStore, syncFile, type ReopenableStore } from './level-store.ts';
import { inspectStore, type Mend } from './preflight.ts';
import type { StoreCipher } from './store-cipher.ts';
import { readStoreEnd } from './store-end.ts';
import { encryptedStore } from './encrypted-store.ts';
import { sha256 } from './sha256.ts';
import { noKey } from './store-key.ts';
import { MARK_KEY, encodeMark, readMark, encryptedBy, type Mark } from './store-mark.ts';
import { migrateStore } from './store-migration.ts';
import { storeRows } from './store-rows.ts';
import { salvageStore } from './store-salvage.ts';
import { exists, isDirectory } from './store-swap.ts';
import { readHeads, shortLane } from './store-heads.ts';

/** A store that is in its place, whole and open. */
export interface PlacedStore {
  readonly store: Store;
  /** The same rows as they are stored: encrypted, if they are. */
  readonly stored: Store;
  /** Closes it, looks at its files as a start does, and opens it anew. */
  readonly reopen: () => Promise<void>;
  readonly mark: Mark;
  /** There was none. */
  readonly isNew: boolean;
  /** Bytes of writes that nobody was told of, and that a power cut has struck. */
  readonly tornBytes: number;
  /** It had an older format, and the old one lies beside it. */
  readonly migration?: { readonly from: number; readonly movedTo: string };
}

/** A store as it was found. `end`: it can't be used as it is. */
export interface Examined {
  readonly mark: Mark | undefined;
  readonly end?: EndNote;
  readonly isOurs: boolean;
  readonly tornBytes: number;
  readonly mends: readonly Mend[];
  readonly leftovers: readonly string[];
}

/** How to look at a store. */
export interface Examining {
  /** Read all of it: something ended the processes that had it open. */
  readonly isThorough: boolean;
  /** `undefined`: it is not encrypted. */
  readonly cipher: StoreCipher | undefined;
  /** How to bring an older one up to date; `undefined`: it is only to be read. */
  readonly migrations?: readonly Migration[];
}

/** Where a store is, and how it is kept. */
export interface Placing {
  readonly cipher: StoreCipher | undefined;
  readonly migrations: readonly Migration[];
  /** That this is; empty: not known. */
  readonly machine: string;
  /** Told how far a migration is, in rows. */
  readonly progress?: OnProgress | undefined;
}

/** Looks, about five seconds apart, after which a file that the disk does not read is damaged. */
const UNREAD_MAX = 15;
/** Entries at the end of each lane that are checked at every start. */
const TAIL_ENTRIES = 64;

/**
 * Looks at the device's store, without LevelDB; `undefined`: there is none.
 *
 * @param options.isMoved A person says that the directory was brought here from another machine.
 * @throws HF_STORE_FORMAT for a newer one, HF_STORE_OLDER for one too old, HF_STORE_KEY; nothing
 *   was changed.
 */
export async function examineStore(
  storeDir: string,
  identity: DeviceFile,
  options: Placing & { readonly isThorough: boolean; readonly isMoved: boolean },
): Promise<Examined | undefined> {
  const { isThorough, cipher, migrations } = options;
  if (!(await exists(storeDir))) return undefined;
  const found = await examine(storeDir, identity, isThorough);
  checkEncrypted(storeDir, found, cipher);
  migrationOf(found, migrations);
  const end = found.end ?? movedFrom(found.mark, options);
  return end === undefined ? found : { ...found, end };
}

/**
 * Opens the device's store, as it was found, makes it if there is none, and puts one that is
 * damaged, of something else, or at its end aside, with a new one, of a new epoch, in its place.
 *
 * @throws HF_STORE_LOCKED, HF_JOURNAL_FAILED.
 */
export async function placeStore(
  storeDir: string,
  identity: DeviceFile,
  at: Placing & { readonly found: Examined | undefined },
): Promise<PlacedStore> {
  const { found, cipher, migrations, machine, progress } = at;
  if (found === undefined) return createFirst(storeDir, identity, at);
  if (found.end === undefined && found.mark !== undefined) {
    await mend(storeDir, found);
    const how = { cipher, migrations, progress };
    const migration = await upToDate(storeDir, { mark: found.mark, ...how });
    const mark = { ...found.mark, format: DATA_FORMAT };
    const opened = await openChecked(storeDir, mark, cipher);
    if (!('cause' in opened)) {
      const told = { isNew: false, tornBytes: found.tornBytes, ...migration };
      return { ...opened, mark: await markMachine(opened.store, mark, machine), ...told };
    }
    await replace(storeDir, identity, { ...found, ...at, mark, end: opened });
  } else await replace(storeDir, identity, { ...found, ...at });
  const both = await openWith(storeDir, identity, cipher);
  const mark = readMark(storeDir, await both.store.get(MARK_KEY));
  if (mark !== undefined) return { ...both, mark, isNew: false, tornBytes: 0 };
  await both.store.close();
  throw new HoldfastError('HF_STORE_DAMAGED', { why: `${storeDir} was made and is not readable` });
}

/**
 * Opens a store to read it.
 *
 * @throws HF_STORE_DAMAGED, HF_STORE_FORMAT, HF_STORE_OLDER and HF_STORE_KEY, and nothing was
 *   changed; HF_STORE_LOCKED, HF_JOURNAL_FAILED.
 */
export async function openPlaced(
  storeDir: string,
  identity: DeviceFile,
  { isThorough, cipher }: Examining,
): Promise<PlacedStore> {
  const found = await examine(storeDir, identity, isThorough);
  checkEncrypted(storeDir, found, cipher);
  migrationOf(found, []);
  const { mark, end, tornBytes } = found;
  if (end?.cause === 'salvaged' || mark === undefined) {
    const why = `${storeDir}: ${end?.why ?? 'it is not ours'}`;
    throw new HoldfastError('HF_STORE_DAMAGED', { why });
  }
  await mend(storeDir, found);
  const opened = await openWith(storeDir, identity, cipher);
  return { ...opened, mark, isNew: false, tornBytes };
}

type Opened = Pick<PlacedStore, 'store' | 'stored' | 'reopen'>;

async function openWith(
  storeDir: string,
  identity: Pick<DeviceFile, 'device'>,
  cipher: StoreCipher | undefined,
): Promise<Opened> {
  return openedAs(storeDir, identity, { inner: await openStore(storeDir), cipher });
}

function openedAs(
  storeDir: string,
  { device }: Pick<DeviceFile, 'device'>,
  { inner, cipher }: { inner: ReopenableStore; cipher: StoreCipher | undefined },
): Opened {
  let unread = 0;
  const look = async (): Promise<void> => {
    unread += 1;
    await lookAgain(storeDir, { device, isPatient: unread < UNREAD_MAX });
    unread = 0;
  };
  const reopen = (): Promise<void> => inner.reopen(look);
  return { store: encryptedStore(inner, cipher), stored: inner, reopen };
}

/**
 * As before a start: mends what a cut has torn.
 *
 * @param options.isPatient What the disk does not read is no damage yet.
 * @throws HF_STORE_DAMAGED, HF_JOURNAL_FAILED
 */
async function lookAgain(
  storeDir: string,
  { device, isPatient }: { readonly device: string; readonly isPatient: boolean },
): Promise<void> {
  const look = await inspectStore(storeDir, { key: MARK_KEY, isThorough: false });
  if (look.kind === 'odd' && look.isUnread && isPatient) {
    throw new HoldfastError('HF_JOURNAL_FAILED', { why: `${storeDir}: ${look.why}` });
  }
  const mark = look.kind === 'sound' ? readMark(storeDir, look.row) : undefined;
  if (look.kind === 'sound' && mark?.device === device) return mend(storeDir, look);
  const why = look.kind === 'sound' ? 'it is not ours any more' : look.why;
  throw new HoldfastError('HF_STORE_DAMAGED', { why: `${storeDir}: ${why}` });
}

/** Whether there are tables in it whose room it gives back once it is opened anew. */
export async function hasLeftovers(storeDir: string): Promise<boolean> {
  const look = await inspectStore(storeDir, { key: MARK_KEY, isThorough: false });
  return look.kind === 'sound' && look.leftovers.length > 0;
}

/** Whose a store says it is, even one that does not open. Changes nothing. */
export async function findMark(storeDir: string): Promise<Mark | undefined> {
  const look = await inspectStore(storeDir, { key: MARK_KEY, isThorough: false });
  if (look.kind === 'sound') return readMark(storeDir, look.row);
  let newest: { readonly value: Uint8Array | undefined; readonly sequence: number } | undefined;
  for await (const { rows } of storeRows(storeDir)) {
    for (const row of rows) {
      const isMark = compare(row.key, MARK_KEY) === 0;
      if (isMark && row.sequence >= (newest?.sequence ?? 0)) newest = row;
    }
  }
  return readMark(storeDir, newest?.value);
}

async function examine(
  storeDir: string,
  identity: DeviceFile,
  isThorough: boolean,
): Promise<Examined> {
  const nothing = { tornBytes: 0, mends: [], leftovers: [] };
  if (!(await isDirectory(storeDir))) {
    const end = damaged('it is not a directory');
    return { ...nothing, mark: undefined, end, isOurs: false };
  }
  const look = await inspectStore(storeDir, { key: MARK_KEY, isThorough });
  const isSound = look.kind === 'sound';
  const mark = isSound ? readMark(storeDir, look.row) : await findMark(storeDir);
  const common = isSound ? { mark, ...look } : { mark, ...nothing };
  const isOurs = mark === undefined ? !isSound : mark.device === identity.device;
  const why = isSound ? misfit(mark, identity) : look.why;
  // What somebody has said of its end tells more than that it does not fit.
  const said = isSound && isOurs ? await readStoreEnd(storeDir) : undefined;
  const end = said ?? (why === undefined ? undefined : damaged(why));
  return { ...common, isOurs, ...(end && { end }) };
}

function damaged(why: string): EndNote {
  return { cause: 'salvaged', why, above: 0 };
}

/** A store that woke up on another machine, and that nobody said was brought there. */
function movedFrom(
  mark: Mark | undefined,
  { machine, isMoved }: { readonly machine: string; readonly isMoved: boolean },
): EndNote | undefined {
  if (mark === undefined || isMoved || mark.machine === '' || machine === '') return undefined;
  if (mark.machine === machine) return undefined;
  const why = `it was used on machine ${mark.machine}, and this is ${machine}`;
  return { cause: 'moved', why, above: 0 };
}

/** Remembers the machine in a store that knows none, or that was brought here. */
async function markMachine(store: Store, mark: Mark, machine: string): Promise<Mark> {
  if (machine === '' || mark.machine === machine) return mark;
  const marked = { ...mark, machine };
  await store.write([{ kind: 'put', key: MARK_KEY, value: encodeMark(marked) }]);
  return marked;
}

/** Why a store that is sound is not the one that belongs here. */
function misfit(mark: Mark | undefined, identity: DeviceFile): string | undefined {
  if (mark === undefined) return 'it is not a store of Holdfast';
  if (mark.device !== identity.device) return `it is of device ${mark.device}`;
  // One ahead: the start that made it was cut off before device.json could say so.
  if (mark.epoch >= identity.epoch) return undefined;
  return `it is of epoch ${mark.epoch}, and ${identity.epoch} was here already`;
}

/** Nothing is done to a store of ours that cannot be read, or that others could read. */
function checkEncrypted(
  storeDir: string,
  { mark, isOurs }: Examined,
  cipher: StoreCipher | undefined,
): void {
  if (mark === undefined || !isOurs) return;
  if (mark.encrypted === cipher?.id) return;
  const why = cipher === undefined ? 'encrypted, and has no store.key' : 'not encrypted by its key';
  throw noKey(`${storeDir} is ${why}`);
}

/** @throws HF_STORE_OLDER when there is none. */
function migrationOf(
  { mark, isOurs }: Pick<Examined, 'mark' | 'isOurs'>,
  migrations: readonly Migration[],
): Migration['row'] {
  const from = isOurs ? (mark?.format ?? DATA_FORMAT) : DATA_FORMAT;
  return pathBetween({ from, to: DATA_FORMAT }, migrations);
}

async function upToDate(
  storeDir: string,
  migrating: Parameters<typeof migrateStore>[1],
): Promise<Pick<PlacedStore, 'migration'>> {
  const from = migrating.mark.format;
  if (from === DATA_FORMAT) return {};
  return { migration: { from, movedTo: await migrateStore(storeDir, migrating) } };
}

/** Has the files as LevelDB needs them, and room for it where what is left over has that. */
async function mend(
  storeDir: string,
  { mends, leftovers }: Pick<Examined, 'mends' | 'leftovers'>,
): Promise<void> {
  // LevelDB would delete them, and cannot be opened before.
  const areInTheWay = leftovers.length > 0 && (await lacksRoom(dirname(storeDir)));
  if (areInTheWay) for (const name of leftovers) await rm(join(storeDir, name));
  for (const { name, bytes } of mends) {
    const side = join(storeDir, `${name}.mended`);
    const file = await open(side, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(side, join(storeDir, name));
    await syncFile(storeDir);
  }
}

/** @returns The store, or why it can't be gone on with. */
async function openChecked(
  storeDir: string,
  mark: Mark,
  cipher: StoreCipher | undefined,
): Promise<Opened | EndNote> {
  let opened: Opened | undefined;
  try {
    opened = await openWith(storeDir, mark, cipher);
    const { store } = opened;
    const { device, epoch } = mark;
    const short = await shortLane(store, await readHeads(storeDir, epoch));
    if (short !== undefined) {
      await store.close();
      return damaged(`the end of lane ${short} is missing`);
    }
    const faults = await verifyTails({ store, sha256, device, epoch }, TAIL_ENTRIES);
    const [fault] = faults;
    if (fault === undefined) return opened;
    await store.close();
    const why = `entry ${fault.seq} of lane ${fault.lane} ${fault.why}`;
    // A chain that is whole and another one than the ledger's is no damage: somebody made it.
    const isForked = faults.every((each) => each.isForked);
    return isForked ? { cause: 'forked', why, above: 0 } : damaged(why);
  } catch (error) {
    await opened?.store.close();
    if (codeOf(error) === 'HF_STORE_DAMAGED') return damaged(messageOf(error));
    throw error;
  }
}

async function replace(
  storeDir: string,
  identity: DeviceFile,
  found: Examined & Placing,
): Promise<void> {
  const { cipher, migrations, machine, mark, isOurs } = found;
  const { cause, why, above } = found.end ?? damaged('it is not ours');
  const known = Math.max(identity.epoch, isOurs ? (mark?.epoch ?? 0) : 0, above);
  // The seconds since 1970 are above every epoch that was ever counted to.
  const newEpoch = known > 0 ? known + 1 : Math.floor(Date.now() / 1_000);
  const oldEpoch = (isOurs ? mark?.epoch : undefined) ?? identity.epoch;
  const { device } = identity;
  const heads = await readHeads(storeDir, oldEpoch);
  const migrate = migrationOf(found, migrations);
  const lives = { device, oldEpoch, newEpoch, heads, cause, why };
  await salvageStore(storeDir, { ...lives, machine, isOurs, cipher, migrate });
}

async function createFirst(
  storeDir: string,
  { device, epoch }: DeviceFile,
  { cipher, machine }: Placing,
): Promise<PlacedStore> {
  const own = { format: DATA_FORMAT, device, epoch: epoch + 1, machine };
  const mark = { ...own, ...encryptedBy(cipher) };
  const row = { kind: 'put', key: MARK_KEY, value: encodeMark(mark) } as const;
  const inner = await createStore(storeDir, [row]);
  return { ...openedAs(storeDir, mark, { inner, cipher }), mark, isNew: true, tornBytes: 0 };
}
