import {
  HoldfastError,
  equalBytes,
  type Command,
  type Lane,
  type OnProgress,
  type Sha256,
  type Store,
  type StoreRow,
} from '@holdfast/protocol';
import type { CallResult, CallState, Parking, PendingCall, WaitingCall } from './call.ts';
import type { DeviceClocks } from './device-clock.ts';
import { keyRowsRead } from './device-keys.ts';
import { KeyBook } from './key-book.ts';
import type { LedgerKey } from './key-ledger.ts';
import { noIncarnations, type Incarnations } from './incarnations.ts';
import { joinBatch, prepareBatch, readEntry, type PreparedBatch } from './ingest.ts';
import { parkCall, readCallServices, readCalls, requeueCalls } from './ledger-calls.ts';
import { contentReads, openEntries, openValues, withTrueTimes } from './ledger-contents.ts';
import { anchorName, joinHole, takeHole } from './ledger-holes.ts';
import type { Dispatch, DispatchOrder } from './dispatch.ts';
import { readCommands } from './ledger-commands.ts';
import { Dispatches, issueCommands, issueReads, tagDevice } from './ledger-dispatch.ts';
import { eraseSubject, readErasures } from './ledger-erase.ts';
import { blockAt, readHeld } from './ledger-held.ts';
import {
  behind,
  callKeyKey,
  clockKey,
  contentKey,
  holeKey,
  holesOf,
  incarnationKey,
  metaKey,
  ownOrderKey,
  prefixOf,
  runKey,
  runOrderKey,
  type Chain,
} from './ledger-keys.ts';
import { epochRow, formatRow, holeRow, incarnationRow, runRow } from './ledger-rows.ts';
import { decodeOrDamaged, hashAt, holeAt, readClocks, readPositions } from './ledger-reads.ts';
import { rebuildProjections } from './ledger-rebuild.ts';
import type { LedgerStore, Reads, View, Work } from './ledger-store.ts';
import { StoreOut } from './out/store-out.ts';
import type { OutLedger } from './out/subscriber.ts';
import { OwnStore } from './own-store.ts';
import { rowsOf, verifyLedger } from './ledger-verify.ts';
import { completeCall, greetDevice, ingestBatch, noteClock } from './ledger-work.ts';
import type {
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
  PruneRequest,
  PruningReceipt,
  RebuildReport,
  VerifyReport,
} from './ledger.ts';
import { lateReads, readLate, takeLate } from './quarantine.ts';
import { rowsRead } from './projection.ts';
import { pruneLedger, readPrunings } from './retention/prune-ledger.ts';
import type { Pruned } from './retention/prune.ts';

const PRODUCT = 'holdfast-ledger';
/** Version of the keys and rows. A newer one is refused. */
const FORMAT = 1;
const PAGE_ROWS = 1_024;

/** The first row of a new ledger. */
export function newLedgerRow(): StoreRow {
  return { key: metaKey('format'), value: formatRow.encode({ product: PRODUCT, format: FORMAT }) };
}

/** A ledger over any ordered store. */
export class StoreLedger implements Ledger {
  readonly #store: LedgerStore;
  readonly #sha256: Sha256;
  readonly #dispatches: Dispatches;
  readonly #keys: KeyBook;
  readonly out: OutLedger;

  /** @param store One that holds at least `newLedgerRow()`, as `checkFormat` tells. */
  constructor(store: LedgerStore, sha256: Sha256) {
    this.#store = store;
    this.#sha256 = sha256;
    this.#dispatches = new Dispatches(store);
    this.#keys = new KeyBook(store, sha256);
    this.out = new StoreOut(store);
  }

  /**
   * Opens the ledger in a store that this process alone writes.
   *
   * @throws HF_STORE_DAMAGED for a store of something else or an unreadable device, HF_STORE_FORMAT
   *   for one of a newer version. Nothing is changed.
   */
  static async open(store: Store, sha256: Sha256): Promise<StoreLedger> {
    await checkFormat(store);
    return new StoreLedger(await OwnStore.open(store), sha256);
  }

  device(device: string): Promise<DeviceRecord | undefined> {
    return this.#store.device(device);
  }

  devices(): Promise<readonly DeviceRecord[]> {
    return this.#store.devices();
  }

  greet(greeting: Parameters<Ledger['greet']>[0]): Promise<DeviceRecord> {
    const { device, publicKey } = greeting;
    return this.#store.submit({
      devices: [device],
      reads: (view) =>
        keyRowsRead(device, [view.device(device)?.publicKey, publicKey], this.#sha256),
      bytes: 1_024,
      apply: (draft) => greetDevice(draft, greeting, this.#sha256),
    });
  }

  awaitKey(change: Parameters<Ledger['awaitKey']>[0]): Promise<DeviceRecord | undefined> {
    return this.#keys.awaitKey(change);
  }

  revokeKey(change: Parameters<Ledger['revokeKey']>[0]): Promise<DeviceRecord | undefined> {
    return this.#keys.revokeKey(change);
  }

  noteCertificate(change: Parameters<Ledger['noteCertificate']>[0]): Promise<void> {
    return this.#keys.noteCertificate(change);
  }

  revokedCertificates(atMs: number): ReturnType<Ledger['revokedCertificates']> {
    return this.#keys.revokedCertificates(atMs);
  }

  firstToExpire(): ReturnType<Ledger['firstToExpire']> {
    return this.#keys.firstToExpire();
  }

  keys(device: string): Promise<readonly LedgerKey[]> {
    return this.#keys.keys(device);
  }

  async incarnations(device: string): Promise<Incarnations> {
    const stored = await this.#store.get(incarnationKey(device));
    return stored === undefined ? noIncarnations : incarnationRow.decode(stored);
  }

  noteIncarnations(change: Parameters<Ledger['noteIncarnations']>[0]): Promise<boolean> {
    const { device, seen, next } = change;
    const key = incarnationKey(device);
    return this.#store.submit({
      devices: [device],
      reads: () => [key],
      bytes: 1_024,
      apply: (draft) => {
        const known = draft.get(key, incarnationRow) ?? noIncarnations;
        const isSame = equalBytes(incarnationRow.encode(known), incarnationRow.encode(seen));
        if (isSame) draft.put(key, incarnationRow.encode(next));
        return isSame;
      },
    });
  }

  ingest(batch: IngestBatch): Promise<IngestOutcome> {
    let prepared = prepareBatch(batch, this.#sha256);
    let heldHash: Uint8Array | undefined;
    const reads = [...rowsRead(batch, prepared.entries), ...contentReads(prepared.contents)];
    return this.#store.submit({
      devices: [batch.device],
      reads: () => reads,
      bytes: bytesOf(batch),
      ordinals: ordinalsOf(prepared),
      ...(prepared.contents.length > 0 && { erasure: 'heeds' }),
      prepare: async (view) => {
        heldHash = await this.#heldHash(view, prepared);
        if (prepared.contents.length === 0) return;
        const clocks = await readClocks(view, batch.device, batch.epoch);
        const contents = withTrueTimes(prepared.contents, clocks, batch.receivedAtMs);
        prepared = { ...prepared, contents };
      },
      apply: (draft) => ingestBatch(draft, prepared, heldHash),
    });
  }

  quarantine(batch: IngestBatch): Promise<void> {
    return this.#store.submit({
      devices: [batch.device],
      reads: () => lateReads(batch),
      bytes: bytesOf(batch),
      apply: (draft) => takeLate(draft, prepareBatch(batch, this.#sha256)),
    });
  }

  quarantined(query: Parameters<Ledger['quarantined']>[0]): ReturnType<Ledger['quarantined']> {
    return readLate(this.#store, query);
  }

  declareHole(declared: IngestHole): Promise<IngestOutcome> {
    const found = new Map<string, Uint8Array | undefined>();
    return this.#store.submit({
      devices: [declared.device],
      reads: () => [],
      bytes: 1_024,
      prepare: async (view) => {
        const { device, epoch, hole } = declared;
        const record = view.device(device);
        if (record === undefined || record.epoch !== epoch) return;
        const join = joinHole(positionOf(record, hole.lane), hole);
        if (join.kind === 'gap') return;
        const place = { device, epoch, lane: hole.lane, seq: join.anchor.seq };
        found.set(anchorName(join.anchor), await hashAt(view, this.#sha256, place));
      },
      apply: (draft) => takeHole(draft, declared, (anchor) => found.get(anchorName(anchor))),
    });
  }

  async holes(query: Parameters<Ledger['holes']>[0]): Promise<readonly LedgerHole[]> {
    const { device, lane, after, limit } = query;
    const record = await this.#store.device(device);
    if (record === undefined) return [];
    const { epoch = record.epoch } = query;
    const chain = { device, epoch, lane };
    const first = await holeAt(this.#store, chain, after + 1);
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
    // The current one moves while this reads.
    const record = await this.#store.device(device);
    return found
      .map((each) => (each.epoch === record?.epoch ? { ...each, lanes: record.lanes } : each))
      .toReversed();
  }

  hashAt(place: Parameters<Ledger['hashAt']>[0]): Promise<Uint8Array | undefined> {
    return hashAt(this.#store, this.#sha256, place);
  }

  async entries(query: Parameters<Ledger['entries']>[0]): Promise<readonly LedgerEntry[]> {
    const record = await this.#store.device(query.device);
    if (record === undefined) return [];
    const { lane, after, limit } = query;
    const chain = { device: query.device, epoch: query.epoch ?? record.epoch, lane };
    const found: LedgerEntry[] = [];
    let next = after + 1;
    while (found.length < limit) {
      const page = await this.#entriesOfBlock(chain, next, limit - found.length);
      // Where there is no entry there may be a hole, and more entries behind it.
      const hole = page.length === 0 ? await holeAt(this.#store, chain, next) : undefined;
      if (page.length === 0 && hole === undefined) break;
      const isOpen = query.isPersonal ?? true;
      found.push(...(isOpen ? await openEntries(this.#store, page) : page));
      next = hole === undefined ? next + page.length : hole.seqLast + 1;
    }
    return found;
  }

  noteClock({ device, epoch, sample }: Parameters<Ledger['noteClock']>[0]): Promise<void> {
    return this.#store.submit({
      devices: [device],
      reads: () => [clockKey(device, epoch, sample.boot)],
      bytes: 1_024,
      apply: (draft) => noteClock(draft, { device, epoch }, sample),
    });
  }

  clocks(device: string, epoch: number): Promise<DeviceClocks> {
    return readClocks(this.#store, device, epoch);
  }

  async runs(query: Parameters<Ledger['runs']>[0]) {
    const { device = '', run } = query;
    const keys = run === undefined ? await this.#runKeys(query) : [runKey(device, run)];
    const rows = await this.#store.getMany(keys);
    const found = rows.flatMap((row) => (row === undefined ? [] : [runRow.decode(row)]));
    return openValues(this.#store, found, {
      value: ({ status }) => status,
      place: ({ device: of, epoch, statusLane: lane, statusSeq: seq }) => ({
        ...{ device: of, epoch, lane, seq },
      }),
      withValue: (each, status) => ({ ...each, status }),
    });
  }

  async #runKeys({ device: of, before, limit }: Parameters<Ledger['runs']>[0]) {
    const prefix = of === undefined ? prefixOf('runOrder') : prefixOf('ownOrder', of);
    const keyAt = (at: number) => (of === undefined ? runOrderKey(at) : ownOrderKey(of, at));
    const order = await this.#store.scan({
      from: prefix,
      to: before === undefined ? behind(prefix) : keyAt(before),
      limit,
      reverse: true,
    });
    return order.map((row) => row.value);
  }

  pendingCalls(limit: number, service?: string): Promise<readonly PendingCall[]> {
    return readCalls(this.#store, { state: 'pending', service, limit });
  }

  callServices(state: CallState): Promise<readonly string[]> {
    return readCallServices(this.#store, state);
  }

  calls(query: Parameters<Ledger['calls']>[0]): Promise<readonly WaitingCall[]> {
    return readCalls(this.#store, query);
  }

  parkCall(call: PendingCall, parking: Parking): Promise<boolean> {
    return parkCall(this.#store, call, parking);
  }

  requeueCalls(calls: readonly PendingCall[]): Promise<number> {
    return requeueCalls(this.#store, calls);
  }

  async claimCalls({
    calls,
    ...claim
  }: Parameters<Ledger['claimCalls']>[0]): Promise<readonly PendingCall[]> {
    if (calls.length === 0) return [];
    const isOwn = await this.#store.claim({ keys: calls.map(callKeyKey), ...claim });
    return calls.filter((_call, index) => isOwn[index] === true);
  }

  completeCall(call: PendingCall, result: CallResult): Promise<Command | undefined> {
    return this.#store.submit(callWork(call, result));
  }

  completeCallWith(
    call: PendingCall,
    body: Parameters<Ledger['completeCallWith']>[1],
  ): Promise<Command | undefined> {
    return this.#store.submitWith(body, (result) => callWork(call, result));
  }

  commands(query: Parameters<Ledger['commands']>[0]): Promise<readonly Command[]> {
    return readCommands(this.#store, query);
  }

  tag({ device, tags }: Parameters<Ledger['tag']>[0]): Promise<DeviceRecord | undefined> {
    return this.#store.submit({
      ...{ devices: [device], reads: () => [], bytes: 4_096 },
      apply: (draft) => tagDevice(draft, device, tags),
    });
  }

  issue(order: DispatchOrder): Promise<boolean> {
    const { dispatch, devices } = order;
    const bytes = devices.length * (1_024 + dispatch.payload.byteLength);
    return this.#store.submit({
      ...{ devices, bytes, ordinals: 1, reads: () => issueReads(order) },
      apply: (draft) => issueCommands(draft, order),
    });
  }

  dispatch(id: string): Promise<Dispatch | undefined> {
    return this.#dispatches.one(id);
  }

  dispatches(query: Parameters<Ledger['dispatches']>[0]): Promise<readonly Dispatch[]> {
    return this.#dispatches.page(query);
  }

  dispatched(query: Parameters<Ledger['dispatched']>[0]): ReturnType<Ledger['dispatched']> {
    return this.#dispatches.devices(query);
  }

  verify(progress: OnProgress = () => {}): Promise<VerifyReport> {
    return verifyLedger(this.#store, this.#sha256, progress);
  }

  rebuild(progress?: OnProgress): Promise<RebuildReport> {
    return rebuildProjections(this.#store, progress);
  }

  erase(request: ErasureRequest): Promise<Erasure> {
    return eraseSubject({ store: this.#store, sha256: this.#sha256 }, request);
  }

  erasures(limit: number): Promise<readonly Erasure[]> {
    return readErasures(this.#store, limit);
  }

  prune(request: PruneRequest): Promise<Pruned | undefined> {
    return pruneLedger(this.#store, request);
  }

  prunings(limit: number): Promise<readonly PruningReceipt[]> {
    return readPrunings(this.#store, limit);
  }

  held(query: Parameters<Ledger['held']>[0]): Promise<HeldPage> {
    return readHeld({ store: this.#store, sha256: this.#sha256 }, query);
  }

  /** Waits for work that was submitted, then closes the store. */
  close(): Promise<void> {
    return this.#store.close();
  }

  /** The stored hash at the end of a batch that lies below the watermark, to compare with. */
  async #heldHash(view: View, prepared: PreparedBatch): Promise<Uint8Array | undefined> {
    const { batch } = prepared;
    const record = view.device(batch.device);
    if (record === undefined || record.epoch !== batch.epoch) return undefined;
    const join = joinBatch(positionOf(record, batch.lane), prepared);
    if (join.kind !== 'below') return undefined;
    const { device, epoch, lane } = batch;
    return hashAt(view, this.#sha256, { device, epoch, lane, seq: join.seq });
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
    const { device, lane, epoch } = chain;
    return block.entries.slice(index, index + limit).map(({ bytes }, offset) => {
      // Without a spread: V8 takes a microsecond for each member behind one.
      const entry = readEntry(bytes);
      return { device, lane, epoch, seq: seq + offset, receivedAtMs, bytes, entry };
    });
  }
}

function callWork(call: PendingCall, result: CallResult): Work<Command | undefined> {
  return {
    devices: [call.device],
    reads: () => [callKeyKey(call), contentKey(call)],
    erasure: 'heeds',
    bytes: result.payload.byteLength,
    apply: (draft) => completeCall(draft, call, result),
  };
}

/** An entry begins a run at most, and opens a call. */
function ordinalsOf({ entries }: PreparedBatch): number {
  return 2 * entries.filter((entry) => entry !== undefined).length;
}

function bytesOf({ entries, carried = new Map() }: IngestBatch): number {
  const beside = [...carried.values()].reduce((sum, { content }) => sum + content.byteLength, 0);
  return entries.reduce((sum, entry) => sum + entry.byteLength, beside);
}

function positionOf(record: DeviceRecord, lane: Lane): LanePosition {
  const [urgent, normal, bulk] = record.lanes;
  return { urgent, normal, bulk }[lane];
}

/** @throws HF_STORE_DAMAGED, HF_STORE_FORMAT. */
export async function checkFormat(store: Pick<Reads, 'get'>): Promise<void> {
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
