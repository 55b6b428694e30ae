import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { HoldfastError, messageOf, type StoreRow } from '@holdfast/protocol';
import type { SendBytes } from '../core/surface.ts';
import type { DataDir } from './data-dir.ts';
import { DATA_FORMAT } from './device-file.ts';
import { readStoreKey } from './store-key.ts';

/**
 * A snapshot of a store:
 *
 *   a line of JSON       whose it is: SnapshotHeader
 *   keyBytes[4] valueBytes[4] key value     for each row, as it is stored, in key order
 *   0[4] 32[4] hash[32]  the end: SHA-256 of all bytes before it
 *
 * Numbers are big-endian. What does not end like that is no whole snapshot.
 */
export interface SnapshotHeader {
  readonly schema: 'holdfast.snapshot/1';
  /** Of the rows. */
  readonly format: number;
  readonly device: string;
  readonly epoch: number;
  /** RFC 3339, by the device's clock. */
  readonly at: string;
  /** Content of `store.key`, where the rows are encrypted. */
  readonly storeKey: string | null;
}

const HEADER_BYTES_MAX = 64 * 1024;
/** Before each key and value: how many bytes they have. */
export const LENGTHS_BYTES = 8;
const KEY_BYTES_MAX = 64 * 1024;
const VALUE_BYTES_MAX = 64 * 1024 * 1024;
const HASH_BYTES = 32;
const CHUNK_BYTES = 256 * 1024;
const everyKey = { from: new Uint8Array(0), to: Uint8Array.of(255, 255) };

/** Sends all rows of a store as they are at the call, however long it takes. */
export async function sendSnapshot(
  { device, epoch, path, stored }: Pick<DataDir, 'device' | 'epoch' | 'path' | 'stored'>,
  send: SendBytes,
): Promise<void> {
  const header: SnapshotHeader = {
    ...{ schema: 'holdfast.snapshot/1', format: DATA_FORMAT, device, epoch },
    ...{ at: new Date().toISOString(), storeKey: readStoreKey(path) },
  };
  const hash = createHash('sha256');
  let parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(header)}\n`)];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const chunk = Buffer.concat(parts);
    [parts, bytes] = [[], 0];
    hash.update(chunk);
    await send(chunk);
  };
  await stored.each(everyKey, ({ key, value }) => {
    parts.push(lengths(key.byteLength, value.byteLength), key, value);
    bytes += LENGTHS_BYTES + key.byteLength + value.byteLength;
    return bytes < CHUNK_BYTES ? undefined : flush();
  });
  await flush();
  await send(Buffer.concat([lengths(0, HASH_BYTES), hash.digest()]));
}

function lengths(keyBytes: number, valueBytes: number): Buffer {
  const buffer = Buffer.alloc(LENGTHS_BYTES);
  buffer.writeUInt32BE(keyBytes, 0);
  buffer.writeUInt32BE(valueBytes, 4);
  return buffer;
}

export interface Snapshot {
  readonly header: SnapshotHeader;
  /** Pages of rows, in key order. @throws HF_SNAPSHOT_INVALID, at the end at the latest. */
  readonly pages: AsyncGenerator<readonly StoreRow[], void>;
}

/**
 * Opens a snapshot. Only what has been read to its end is known to be whole.
 *
 * @throws HF_SNAPSHOT_INVALID for what is none, HF_STORE_FORMAT for one of a newer kind.
 */
export async function openSnapshot(path: string): Promise<Snapshot> {
  const reader = new Reader(path);
  const header = parseHeader(path, await reader.line(HEADER_BYTES_MAX));
  return { header, pages: reader.pages() };
}

/** Takes the bytes of a file in order, and hashes them. */
class Reader {
  readonly #path: string;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
    // A stream without an encoding gives buffers.
    const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async line(bytesMax: number): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(10);
      if (end >= 0) return (await this.#take(end + 1)).toString('utf8');
      if (this.#rest.byteLength > bytesMax || !(await this.#more())) {
        throw invalid(this.#path, 'it does not begin like one');
      }
    }
  }

  async *pages(): AsyncGenerator<readonly StoreRow[], void> {
    let page: StoreRow[] = [];
    let bytes = 0;
    for (;;) {
      const digest = this.#hash.copy().digest();
      const sizes = await this.#take(LENGTHS_BYTES);
      const [keyBytes, valueBytes] = [sizes.readUInt32BE(0), sizes.readUInt32BE(4)];
      if (keyBytes > KEY_BYTES_MAX || valueBytes > VALUE_BYTES_MAX) {
        throw invalid(this.#path, 'it is damaged');
      }
      const key = await this.#take(keyBytes);
      const value = await this.#take(valueBytes);
      if (keyBytes === 0) {
        yield page;
        return this.#checkEnd(value, digest);
      }
      page.push({ key: own(key), value: own(value) });
      bytes += keyBytes + valueBytes;
      if (bytes < CHUNK_BYTES) continue;
      yield page;
      [page, bytes] = [[], 0];
    }
  }

  async #checkEnd(told: Buffer, digest: Buffer): Promise<void> {
    const isWhole = told.equals(digest) && this.#rest.byteLength === 0 && !(await this.#more());
    if (!isWhole) throw invalid(this.#path, 'it is damaged');
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#rest.byteLength < bytes) {
      if (!(await this.#more())) throw invalid(this.#path, 'its end is missing');
    }
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    this.#hash.update(taken);
    return taken;
  }

  async #more(): Promise<boolean> {
    try {
      const { value, done } = await this.#chunks.next();
      if (done === true) return false;
      this.#rest = Buffer.concat([this.#rest, value]);
      return true;
    } catch (cause) {
      throw invalid(this.#path, messageOf(cause), cause);
    }
  }
}

function own(bytes: Buffer): Uint8Array {
  return Uint8Array.from(bytes);
}

function parseHeader(path: string, line: string): SnapshotHeader {
  let header: Partial<Record<keyof SnapshotHeader, unknown>> | null;
  try {
    header = JSON.parse(line) as typeof header;
  } catch (cause) {
    throw invalid(path, 'it does not begin like one', cause);
  }
  const { schema, format, device, epoch, at, storeKey } = header ?? {};
  if (typeof schema === 'string' && /^holdfast\.snapshot\/(?!1$)\d+$/.test(schema)) {
    throw new HoldfastError('HF_STORE_FORMAT', { why: `${path} is a ${schema}` });
  }
  const isHeader =
    schema === 'holdfast.snapshot/1' &&
    [format, epoch].every((each) => Number.isSafeInteger(each)) &&
    typeof device === 'string' &&
    typeof at === 'string' &&
    (storeKey === null || typeof storeKey === 'string');
  if (!isHeader) throw invalid(path, 'it does not begin like one');
  return header as SnapshotHeader;
}

function invalid(path: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_SNAPSHOT_INVALID', { why: `${path}: ${why}`, cause });
}
