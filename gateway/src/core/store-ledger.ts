import {
  HoldfastError,
  chainStart,
  NO_BYTES,
  eachLane,
  sealKindOf,
  type Command,
  type Lane,
  type PerLane,
  type Sha256,
  type Store,
  type StoreRow,
} from '@holdfast/protocol';
import { CommitQueue } from './commit-queue.ts';
import type { DeviceClocks } from './device-clock.ts';
import { awaitKey, keyRowsRead } from './device-keys.ts';
import { joinBatch, prepareBatch, readEntry, type PreparedBatch } from './ingest.ts';
import { contentReads, openEntries, openValues, withTrueTimes } from './ledger-contents.ts';
import type { LedgerState } from './ledger-draft.ts';
import { anchorName, joinHole, takeHole } from './ledger-holes.ts';
import { eraseSubject, readErasures } from './ledger-erase.ts';
import { blockAt, readHeld } from './ledger-held.ts';
import {
  behind,
  callKeyKey,
  clockKey,
  clocksOf,
  commandKey,
  contentKey,
  holeKey,
  holesOf,
  keyKey,
  metaKey,
  ordinalOf,
  positionKey,
  prefixOf,
  type Chain,
} from './ledger-keys.ts';
import {
  callRow,
  clockRow,
  commandRow,
  deviceRow,
  epochRow,
  formatRow,
  holeRow,
  keyRow,
  positionRow,
  runRow,
} from './ledger-rows.ts';
import { rowsOf, verifyLedger } from './ledger-verify.ts';
import { completeCall, greetDevice, ingestBatch, noteClock } from './ledger-work.ts';
import type {
  CallResult,
  DeviceRecord,
  Erasure,
  ErasureRequest,
  HeldPage,
  IngestBatch,
  IngestHole,
  IngestOutcome,
  LanePosition,
  Ledger,
  LedgerEntry,
  LedgerEpoch,
  LedgerHole,
  LedgerKey,
  LedgerRun,
  PendingCall,
  VerifyReport,
} from './ledger.ts';
import { rowsRead } from './projection.ts';

const PRODUCT = 'holdfast-ledger';
/** Version of the keys and rows. A newer one is refused. */
const FORMAT = 1;
const PAGE_ROWS = 1_024;
/** Of older boots nobody is told what time it truly was. */
const BOOTS_MAX = 10_000;

/** The first row of a new ledger. */
export function newLedgerRow(): StoreRow {
  return { key: metaKey('format'), value: formatRow.encode({ product: PRODUCT, format: FORMAT }) };
}

/**
 * A ledger over any ordered store. What is known of devices is kept in memory, about 1 KiB each;
 * everything else is read when it is asked for.
 */
export class StoreLedger implements Ledger {
  readonly #store: Store;
  readonly #sha256: Sha256;
  readonly #state: LedgerState;
  readonly #queue: CommitQueue;

  private constructor(store: Store, sha256: Sha256, state: LedgerState) {
    this.#store = store;
    this.#sha256 = sha256;
    this.#state = state;
    this.#queue = new CommitQueue(store, state);
  }

  /**
   * Opens the ledger in a store that holds at least `newLedgerRow()`.
   *
   * @throws HF_STORE_DAMAGED for a store of something else or an unreadable device, HF_STORE_FORMAT
   *   for one of a newer version. Nothing is changed.
   */
  static async open(store: Store, sha256: Sha256): Promise<StoreLedger> {
    await checkFormat(store);
    return new StoreLedger(store, sha256, {
      devices: await readDevices(store),
      ordinalNext: await readOrdinalNext(store),
    });
  }

  device(device: string): Promise<DeviceRecord | undefined> {
    return Promise.resolve(this.#state.devices.get(device));
  }

  devices(): Promise<readonly DeviceRecord[]> {
    const records = [...this.#state.devices.values()];
    return Promise.resolve(records.toSorted((a, b) => (a.device < b.device ? -1 : 1)));
  }

  greet(greeting: Parameters<Ledger['greet']>[0]): Promise<DeviceRecord> {
    const { device, publicKey } = greeting;
    const known = this.#state.devices.get(device);
    return this.#queue.submit({
      reads: keyRowsRead(device, [known?.publicKey, publicKey], this.#sha256),
      bytes: 1_024,
      apply: (draft) => greetDevice(draft, greeting, this.#sha256),
    });
  }

  awaitKey(change: Parameters<Ledger['awaitKey']>[0]): Promise<DeviceRecord | undefined> {
    return this.#queue.submit({
      reads: [keyKey(change.device, change.key)],
      bytes: 256,
      apply: (draft) => awaitKey(draft, change, this.#sha256),
    });
  }

  async keys(device: string): Promise<readonly LedgerKey[]> {
    const prefix = prefixOf('key', device);
    const rows = await this.#store.scan({ from: prefix, to: behind(prefix), limit: PAGE_ROWS });
    return rows
      .map((row) => decodeOrDamaged(`a key of ${device}`, () => keyRow.decode(row.value)))
      .toSorted((a, b) => a.sinceAtMs - b.sinceAtMs);
  }

  ingest(batch: IngestBatch): Promise<IngestOutcome> {
    let prepared = prepareBatch(batch, this.#sha256);
    let heldHash: Uint8Array | undefined;
    return this.#queue.submit({
      reads: [...rowsRead(batch, prepared.entries), ...contentReads(prepared.contents)],
      bytes: bytesOf(batch),
      prepare: async () => {
        heldHash = await this.#heldHash(prepared);
        if (prepared.contents.length === 0) return;
        const clocks = await this.clocks(batch.device, batch.epoch);
        const contents = withTrueTimes(prepared.contents, clocks, batch.receivedAtMs);
        prepared = { ...prepared, contents };
      },
      apply: (draft) => ingestBatch(draft, prepared, heldHash),
    });
  }

  declareHole(declared: IngestHole): Promise<IngestOutcome> {
    const found = new Map<string, Uint8Array | undefined>();
    return this.#queue.submit({
      reads: [],
      bytes: 1_024,
      prepare: async () => {
        const { device, epoch, hole } = declared;
        const record = this.#state.devices.get(device);
        if (record === undefined || record.epoch !== epoch) return;
        const join = joinHole(positionOf(record, hole.lane), hole);
        if (join.kind === 'gap') return;
        const chain = { device, epoch, lane: hole.lane };
        found.set(anchorName(join.anchor), await this.#hashAt(chain, join.anchor.seq));
      },
      apply: (draft) => takeHole(draft, declared, (anchor) => found.get(anchorName(anchor))),
    });
  }

  async holes(query: Parameters<Ledger['holes']>[0]): Promise<readonly LedgerHole[]> {
    const { device, lane, after, limit } = query;
    const record = this.#state.devices.get(device);
    if (record === undefined) return [];
    const { epoch = record.epoch } = query;
    const chain = { device, epoch, lane };
    const first = await this.#holeAt(chain, after + 1);
    const from = holeKey(chain, first === undefined ? after + 1 : first.seqFirst);
    const rows = await this.#store.scan({ from, to: behind(holesOf(chain)), limit });
    return rows.map((row) => {
      const { previousHash: _, hash: __, ...hole } = holeRow.decode(row.value);
      return { lane, epoch, ...hole };
    });
  }

  async epochs(device: string): Promise<readonly LedgerEpoch[]> {
    const found: LedgerEpoch[] = [];
    for await (const { value } of rowsOf(this.#store, prefixOf('epoch', device), PAGE_ROWS)) {
      const began = decodeOrDamaged(`an epoch of ${device}`, () => epochRow.decode(value));
      found.push({ ...began, lanes: await readPositions(this.#store, device, began.epoch) });
    }
    // The current one moves: what is in memory is what is durable.
    const record = this.#state.devices.get(device);
    return found
      .map((each) => (each.epoch === record?.epoch ? { ...each, lanes: record.lanes } : each))
      .toReversed();
  }

  hashAt({ seq, ...chain }: Parameters<Ledger['hashAt']>[0]): Promise<Uint8Array | undefined> {
    return this.#hashAt(chain, seq);
  }

  async entries(query: Parameters<Ledger['entries']>[0]): Promise<readonly LedgerEntry[]> {
    const record = this.#state.devices.get(query.device);
    if (record === undefined) return [];
    const { lane, after, limit } = query;
    const chain = { device: query.device, epoch: query.epoch ?? record.epoch, lane };
    const found: LedgerEntry[] = [];
    let next = after + 1;
    while (found.length < limit) {
      const page = await this.#entriesOfBlock(chain, next, limit - found.length);
      // Where there is no entry there may be a hole, and more entries behind it.
      const hole = page.length === 0 ? await this.#holeAt(chain, next) : undefined;
      if (page.length === 0 && hole === undefined) break;
      found.push(...(await openEntries(this.#store, page)));
      next = hole === undefined ? next + page.length : hole.seqLast + 1;
    }
    return found;
  }

  noteClock({ device, epoch, sample }: Parameters<Ledger['noteClock']>[0]): Promise<void> {
    return this.#queue.submit({
      reads: [clockKey(device, epoch, sample.boot)],
      bytes: 1_024,
      apply: (draft) => noteClock(draft, { device, epoch }, sample),
    });
  }

  async clocks(device: string, epoch: number): Promise<DeviceClocks> {
    const from = clocksOf(device, epoch);
    const to = clocksOf(device, epoch + 1);
    const rows = await this.#store.scan({ from, to, limit: BOOTS_MAX, reverse: true });
    return new Map(rows.map(({ key, value }) => [ordinalOf(key), clockRow.decode(value)]));
  }

  async runs(query: {
    readonly device?: string;
    readonly limit: number;
  }): Promise<readonly LedgerRun[]> {
    const prefix =
      query.device === undefined ? prefixOf('runOrder') : prefixOf('ownOrder', query.device);
    const order = await this.#store.scan({
      from: prefix,
      to: behind(prefix),
      limit: query.limit,
      reverse: true,
    });
    const rows = await this.#store.getMany(order.map((row) => row.value));
    const found = rows.flatMap((row) => (row === undefined ? [] : [runRow.decode(row)]));
    return openValues(this.#store, found, {
      value: ({ status }) => status,
      place: ({ device, epoch, statusLane: lane, statusSeq: seq }) => ({
        device,
        epoch,
        lane,
        seq,
      }),
      withValue: (run, status) => ({ ...run, status }),
    });
  }

  async pendingCalls(limit: number): Promise<readonly PendingCall[]> {
    const prefix = prefixOf('call');
    const rows = await this.#store.scan({ from: prefix, to: behind(prefix), limit });
    const calls = rows.map((row) => {
      const call = callRow.decode(row.value);
      return { ...call, isPrivate: sealKindOf(call.input) !== undefined };
    });
    return openValues(this.#store, calls, {
      value: ({ input }) => input,
      place: (call) => call,
      withValue: (call, input) => ({ ...call, input }),
    });
  }

  completeCall(call: PendingCall, result: CallResult): Promise<Command | undefined> {
    return this.#queue.submit({
      reads: [callKeyKey(call), contentKey(call)],
      bytes: result.payload.byteLength,
      apply: (draft) => completeCall(draft, call, result),
    });
  }

  async commands(query: Parameters<Ledger['commands']>[0]): Promise<readonly Command[]> {
    const { device, after, limit } = query;
    const from = commandKey(device, after + 1);
    const rows = await this.#store.scan({ from, to: behind(prefixOf('command', device)), limit });
    return rows.map((row) => commandRow.decode(row.value));
  }

  verify(progress: (entries: number) => void = () => {}): Promise<VerifyReport> {
    return verifyLedger(this.#store, this.#sha256, progress);
  }

  async erase(request: ErasureRequest): Promise<Erasure> {
    const [store, sha256, queue] = [this.#store, this.#sha256, this.#queue];
    return eraseSubject({ store, sha256, queue }, request);
  }

  erasures(limit: number): Promise<readonly Erasure[]> {
    return readErasures(this.#store, limit);
  }

  held(query: Parameters<Ledger['held']>[0]): Promise<HeldPage> {
    return readHeld({ store: this.#store, sha256: this.#sha256 }, query);
  }

  /** Waits for work that was submitted, then closes the store. */
  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#store.close();
  }

  /** The stored hash at the end of a batch that lies below the watermark, to compare with. */
  async #heldHash(prepared: PreparedBatch): Promise<Uint8Array | undefined> {
    const { batch } = prepared;
    const record = this.#state.devices.get(batch.device);
    if (record === undefined || record.epoch !== batch.epoch) return undefined;
    const join = joinBatch(positionOf(record, batch.lane), prepared);
    if (join.kind !== 'below') return undefined;
    return this.#hashAt(batch, join.seq);
  }

  /** The hash of the chain at `seq`, if it is that of an entry or of the end of a hole. */
  async #hashAt(chain: Chain, seq: number): Promise<Uint8Array | undefined> {
    if (seq === 0) return chainStart(this.#sha256, chain);
    const block = await blockAt(this.#store, chain, seq);
    const entry = block?.entries[seq - block.seqFirst];
    if (entry !== undefined) return entry.hash;
    const hole = await this.#holeAt(chain, seq);
    return hole?.seqLast === seq ? hole.hash : undefined;
  }

  /** The hole that `seq` is in. */
  async #holeAt(chain: Chain, seq: number) {
    const [row] = await this.#store.scan({
      from: holesOf(chain),
      to: holeKey(chain, seq + 1),
      limit: 1,
      reverse: true,
    });
    const hole = row && holeRow.decode(row.value);
    return hole !== undefined && hole.seqLast >= seq ? hole : undefined;
  }

  async #entriesOfBlock(
    chain: Chain,
    seq: number,
    limit: number,
  ): Promise<readonly (LedgerEntry & Chain)[]> {
    const block = await blockAt(this.#store, chain, seq);
    if (block === undefined) return [];
    const { receivedAtMs, seqFirst } = block;
    const index = seq - seqFirst;
    return block.entries.slice(index, index + limit).map(({ bytes }, offset) => ({
      ...{ device: chain.device, lane: chain.lane, epoch: chain.epoch },
      seq: seq + offset,
      receivedAtMs,
      bytes,
      entry: readEntry(bytes),
    }));
  }
}

function bytesOf({ entries, carried = new Map() }: IngestBatch): number {
  const beside = [...carried.values()].reduce((sum, { content }) => sum + content.byteLength, 0);
  return entries.reduce((sum, entry) => sum + entry.byteLength, beside);
}

function positionOf(record: DeviceRecord, lane: Lane): LanePosition {
  const [urgent, normal, bulk] = record.lanes;
  return { urgent, normal, bulk }[lane];
}

async function checkFormat(store: Store): Promise<void> {
  const { key } = newLedgerRow();
  const stored = await store.get(key);
  let found: { readonly product: string; readonly format: number } | undefined;
  try {
    found = stored === undefined ? undefined : formatRow.decode(stored);
  } catch {
    found = undefined;
  }
  if (found?.product !== PRODUCT) {
    throw new HoldfastError('HF_STORE_DAMAGED', { why: 'it is not a ledger of Holdfast' });
  }
  if (found.format > FORMAT) {
    throw new HoldfastError('HF_STORE_FORMAT', {
      why: `the ledger has format ${found.format}; this version knows ${FORMAT}`,
    });
  }
}

async function readDevices(store: Store): Promise<Map<string, DeviceRecord>> {
  const devices = new Map<string, DeviceRecord>();
  for await (const { value } of rowsOf(store, prefixOf('device'), PAGE_ROWS)) {
    const row = decodeOrDamaged('a device', () => deviceRow.decode(value));
    devices.set(row.device, { ...row, lanes: await readPositions(store, row.device, row.epoch) });
  }
  return devices;
}

async function readPositions(
  store: Store,
  device: string,
  epoch: number,
): Promise<PerLane<LanePosition>> {
  const keys = eachLane((lane) => positionKey({ device, epoch, lane }));
  const stored = await store.getMany(keys);
  const read = (index: number): LanePosition =>
    decodeOrDamaged(`a position of ${device}`, () => positionRow.decode(stored[index] ?? NO_BYTES));
  return [read(0), read(1), read(2)];
}

function decodeOrDamaged<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new HoldfastError('HF_STORE_DAMAGED', { why: `${what} cannot be read`, cause });
  }
}

async function readOrdinalNext(store: Store): Promise<number> {
  const last = async (table: 'call' | 'runOrder'): Promise<number> => {
    const prefix = prefixOf(table);
    const range = { from: prefix, to: behind(prefix), limit: 1, reverse: true };
    const [row] = await store.scan(range);
    return row === undefined ? 0 : ordinalOf(row.key);
  };
  return Math.max(await last('call'), await last('runOrder')) + 1;
}
