import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, formatBytes, messageOf, type Clock, type Log } from '@holdfast/protocol';

const RESERVE_BYTES_MAX = 64 * 1024 * 1024;
/** Of a small file system, the reserve and the least number of files are this part. */
const PART = 1 / 16;
/** LevelDB makes a log, a MANIFEST and some tables before it deletes others. */
const FREE_FILES_MIN = 64;
/** Of the reserve, on top of it, for new work to be taken again. */
const MARGIN = 1 / 8;
const BALLAST_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 1_000;

/** What a file system has left for this user. */
export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeFiles: number;
  /** 0: it has no such limit. */
  readonly totalFiles: number;
}

export async function readRoom(dir: string): Promise<Room> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(dir);
  const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize];
  return { freeBytes, totalBytes, freeFiles: ffree, totalFiles: files };
}

export interface DiskRoomOptions {
  readonly dir: string;
  /** What is kept free for runs that are open. Default: a sixteenth of it all, at most 64 MiB. */
  readonly reserveBytes?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps an eye on what is left of the disk, whoever fills it: new work is refused while less than a
 * reserve is free, so that open runs can go on. When it comes near that, a file is put aside, the
 * ballast, whose room the journal gets once the disk is full to the last byte.
 *
 * Looks after commits, at most each second, and by itself only while it refuses.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #shortage: HoldfastError | undefined;
  #notBeforeMs = 0;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  /** Why new work is not taken. */
  get shortage(): HoldfastError | undefined {
    return this.#shortage;
  }

  /** What is free; no end, where the system does not tell. */
  freeBytes(): Promise<number> {
    return readRoom(this.#options.dir).then(
      ({ freeBytes }) => freeBytes,
      () => Number.POSITIVE_INFINITY,
    );
  }

  /** Something was committed. */
  committed(): void {
    const nowMs = this.#options.clock.monoMs();
    if (nowMs < this.#notBeforeMs) return;
    this.#notBeforeMs = nowMs + LOOK_EVERY_MS;
    void this.look();
  }

  /** Where the system does not tell, failing writes do. */
  async look(): Promise<void> {
    const { dir, clock, log } = this.#options;
    const room = await readRoom(dir).catch(() => undefined);
    if (room === undefined || this.#isClosed) return;
    const reserveBytes = this.#options.reserveBytes ?? defaultReserve(room);
    const wasShort = this.#shortage !== undefined;
    const shortage = shortageOf(room, { reserveBytes, wasShort });
    this.#shortage = shortage;
    if (shortage === undefined) {
      if (wasShort) log.info('the disk has room again', { ...room });
      return this.#keepBallast(room, reserveBytes);
    }
    if (!wasShort) log.error('the disk is nearly full', { why: shortage.why });
    this.#cancel?.();
    this.#cancel = clock.wakeIn(LOOK_EVERY_MS, () => void this.look());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #keepBallast({ freeBytes, totalBytes }: Room, reserveBytes: number): Promise<void> {
    const spareBytes = freeBytes - BALLAST_BYTES;
    const isScarce = spareBytes < 2 * reserveBytes && spareBytes >= reserveBytes;
    if (!isScarce || totalBytes * PART < BALLAST_BYTES) return;
    await makeBallast(this.#options.dir).catch((error: unknown) => {
      this.#options.log.info('no ballast was made', { why: messageOf(error) });
    });
  }
}

function defaultReserve({ totalBytes }: Room): number {
  return Math.min(RESERVE_BYTES_MAX, Math.floor(totalBytes * PART));
}

/**
 * Why new work is not to be taken.
 *
 * @param options.wasShort It takes a little more room than the reserve until it is: a disk that
 *   hovers there is not to change its mind each second.
 */
export function shortageOf(
  room: Room,
  { reserveBytes, wasShort }: { readonly reserveBytes: number; readonly wasShort: boolean },
): HoldfastError | undefined {
  const { freeBytes, freeFiles, totalFiles } = room;
  if (freeBytes < reserveBytes * (wasShort ? 1 + MARGIN : 1)) {
    const of = `${formatBytes(reserveBytes)} that are kept for open runs`;
    return diskFull(`${formatBytes(freeBytes)} are free, of ${of}`);
  }
  const filesMin = Math.min(FREE_FILES_MIN, Math.ceil(totalFiles * PART));
  if (freeFiles >= filesMin) return undefined;
  return diskFull(`${freeFiles} files can be made yet, of ${filesMin} that are kept: no inodes`);
}

function diskFull(why: string): HoldfastError {
  return new HoldfastError('HF_DISK_FULL', { why });
}

const ballastPath = (dir: string): string => join(dir, 'ballast');

/** Not synced: it is of use as soon as its room is taken. */
async function makeBallast(dir: string): Promise<void> {
  const path = ballastPath(dir);
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && found.size >= BALLAST_BYTES) return;
  const file = await open(path, 'w', 0o600);
  try {
    for (let written = 0; written < BALLAST_BYTES; written += PIECE_BYTES) {
      // Chance, since some file systems squeeze zeros to nothing.
      await file.writeFile(await promisify(randomBytes)(PIECE_BYTES));
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Gives its room to the journal. */
export async function dropBallast(dir: string): Promise<void> {
  await rm(ballastPath(dir), { force: true });
}
