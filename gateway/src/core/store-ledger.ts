import {
  equalBytes,
  type Command,
  type Lane,
  type OnProgress,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import type { CallResult, CallState, Parking, PendingCall, WaitingCall } from './call.ts';
import type { DeviceClocks } from './device-clock.ts';
import { keyRowsRead } from './device-keys.ts';
import { KeyBook } from './key-book.ts';
import type { LedgerKey } from './key-ledger.ts';
import { noIncarnations, type Incarnations } from './incarnations.ts';
import { joinBatch, prepareBatch, type PreparedBatch } from './ingest.ts';
import { parkCall, readCallServices, readCalls, requeueCalls } from './ledger-calls.ts';
import { contentReads, withTrueTimes } from './ledger-contents.ts';
import { anchorName, joinHole, takeHole } from './ledger-holes.ts';
import type { Dispatch, DispatchOrder } from './dispatch.ts';
import { readCommands } from './ledger-commands.ts';
import { Dispatches, issueCommands, issueReads, tagDevice } from './ledger-dispatch.ts';
import { eraseSubject, readErasures } from './ledger-erase.ts';
import { readHeld } from './ledger-held.ts';
import { callKeyKey, clockKey, contentKey, incarnationKey } from './ledger-keys.ts';
import { incarnationRow } from './ledger-rows.ts';
import { hashAt, readClocks } from './ledger-reads.ts';
import { rebuildProjections } from './ledger-rebuild.ts';
import type { LedgerStore, View, Work } from './ledger-store.ts';
import { StoreOut } from './out/store-out.ts';
import type { OutLedger } from './out/subscriber.ts';
import { OwnStore } from './own-store.ts';
import { verifyLedger } from './ledger-verify.ts';
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
  PruneRequest,
  PruningReceipt,
  RebuildReport,
  VerifyReport,
} from './ledger.ts';
import { lateReads, readLate, takeLate } from './quarantine.ts';
import { rowsRead } from './projection.ts';
import { pruneLedger, readPrunings } from './retention/prune-ledger.ts';
import type { Pruned } from './retention/prune.ts';
import { checkFormat } from './ledger-format.ts';
import { readEntries, readEpochs, readHoles } from './ledger-chains.ts';
import { readDevicePage, readNewLives } from './ledger-devices.ts';
import { readRuns } from './ledger-runs.ts';

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

  devicesOf(devices: readonly string[]): Promise<readonly DeviceRecord[]> {
    return this.#store.devicesOf(devices);
  }

  devices(query: Parameters<Ledger['devices']>[0]): ReturnType<Ledger['devices']> {
    return readDevicePage(this.#store, query);
  }

  deviceCount(): Promise<number> {
    return this.#store.deviceCount();
  }

  newLives(query: Parameters<Ledger['newLives']>[0]): ReturnType<Ledger['newLives']> {
    return readNewLives(this.#store, query);
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

  holes(query: Parameters<Ledger['holes']>[0]): ReturnType<Ledger['holes']> {
    return readHoles(this.#store, query);
  }

  epochs(device: string): ReturnType<Ledger['epochs']> {
    return readEpochs(this.#store, device);
  }

  hashAt(place: Parameters<Ledger['hashAt']>[0]): Promise<Uint8Array | undefined> {
    return hashAt(this.#store, this.#sha256, place);
  }

  entries(query: Parameters<Ledger['entries']>[0]): ReturnType<Ledger['entries']> {
    return readEntries(this.#store, query);
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

  runs(query: Parameters<Ledger['runs']>[0]): ReturnType<Ledger['runs']> {
    return readRuns(this.#store, query);
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
    const bytes = devices.length * (1_024 + dispatch.payload.length);
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
}

function callWork(call: PendingCall, result: CallResult): Work<Command | undefined> {
  return {
    devices: [call.device],
    reads: () => [callKeyKey(call), contentKey(call)],
    erasure: 'heeds',
    bytes: result.payload.length,
    apply: (draft) => completeCall(draft, call, result),
  };
}

/** An entry begins a run at most, and opens a call. */
function ordinalsOf({ entries }: PreparedBatch): number {
  return 2 * entries.filter((entry) => entry !== undefined).length;
}

function bytesOf({ entries, carried = new Map() }: IngestBatch): number {
  const beside = [...carried.values()].reduce((sum, { content }) => sum + content.length, 0);
  return entries.reduce((sum, entry) => sum + entry.length, beside);
}

function positionOf(record: DeviceRecord, lane: Lane): LanePosition {
  const [urgent, normal, bulk] = record.lanes;
  return { urgent, normal, bulk }[lane];
}
