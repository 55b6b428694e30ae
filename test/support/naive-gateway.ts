import { inflateRawSync } from 'node:zlib';
import { sha256 } from '@holdfast/agent/internal';
import {
  BATCH_PLAIN_BYTES_MAX,
  batchEntries,
  entryOf,
  chainNext,
  chainStart,
  decodeWith,
  eachLane,
  equalBytes,
  laneIndex,
  open,
  seal,
  type Batch,
  type Command,
  type Hello,
  type Hole,
  type Lane,
  type Message,
  type PerLane,
  type Refusal,
  type Signer,
  type Welcome,
} from '@holdfast/protocol';

interface NaiveLane {
  entries: Uint8Array[];
  hashes: Uint8Array[];
  /** What came ahead of its turn, for whenever that comes. */
  ahead: Batch[];
}

/** Stands where an entry will never come, and where the chain is not known. */
export const gone = new Uint8Array(0);

export interface NaiveGatewayOptions {
  readonly device: string;
  readonly signer: Signer;
  readonly welcome?: Partial<Welcome>;
}

const noSession: Message = {
  ...{ kind: 'refusal', code: 'HF_EPOCH_UNKNOWN', why: 'no session' },
  ...{ retryAfterMs: 0, of: new Uint8Array() },
};

/** The gateway's side of a session as its rules are written, in memory and without any haste. */
export class NaiveGateway {
  readonly lanes: PerLane<NaiveLane>;
  readonly hellos: Hello[] = [];
  readonly batches: Batch[] = [];
  readonly holes: Hole[] = [];
  readonly commands: Command[] = [];
  reports = 0;
  /** What the device could not read, as it says. */
  readonly refusals: Refusal[] = [];
  /** Of the message that is being answered. */
  tail: Uint8Array = new Uint8Array();
  /** What a device must never do, in words. */
  readonly faults: string[] = [];
  /** Overrides what a message is answered with; `undefined`: as usual. */
  answer: ((message: Message) => readonly Message[] | undefined) | undefined;
  readonly #options: NaiveGatewayOptions;
  #hasSession = false;

  constructor(options: NaiveGatewayOptions) {
    this.#options = options;
    const { device } = options;
    this.lanes = eachLane((lane) => ({
      entries: [],
      hashes: [chainStart(sha256, { device, epoch: 1, lane })],
      ahead: [],
    }));
  }

  lane(lane: Lane): NaiveLane {
    return this.lanes[laneIndex(lane)];
  }

  /** The process ends and starts again: the ledger is on disk, sessions are not. */
  restart(): void {
    this.#hasSession = false;
  }

  /** The ledger is set back, as by an old backup. */
  restore(lane: Lane, watermark: number): void {
    const state = this.lane(lane);
    state.entries = state.entries.slice(0, watermark);
    state.hashes = state.hashes.slice(0, watermark + 1);
  }

  /** Takes what came on `up` or `state`. @returns What goes down. */
  receive(bytes: Uint8Array): readonly Uint8Array[] {
    const { message } = open(this.#options.device, bytes);
    this.tail = bytes.slice(-8);
    const answers = this.answer?.(message) ?? this.#answers(message);
    return answers.map((each) => this.seal(each));
  }

  seal(message: Message): Uint8Array {
    return seal(this.#options.device, message, this.#options.signer);
  }

  /** A new command, as it goes down. */
  issue(): Uint8Array {
    const command: Command = {
      number: this.commands.length + 1,
      kind: 'call.completed',
      expiresAtMs: 0,
      run: 'run-1',
      op: 0,
      key: 'run-1/0',
      payload: new Uint8Array(8),
      name: '',
    };
    this.commands.push(command);
    return this.seal({ kind: 'commands', commands: [command] });
  }

  #answers(message: Message): readonly Message[] {
    switch (message.kind) {
      case 'hello':
        return this.#welcome(message);
      case 'batch':
        return [this.#ingest(message)];
      case 'hole':
        return [this.#declare(message)];
      case 'report':
        this.reports += 1;
        return [];
      case 'refusal':
        this.refusals.push(message);
        return [];
      default:
        this.faults.push(`a device sent ${message.kind}`);
        return [];
    }
  }

  #welcome(hello: Hello): readonly Message[] {
    this.hellos.push(hello);
    this.#hasSession = true;
    const welcome: Message = {
      kind: 'welcome',
      protocol: 1,
      session: hello.session,
      gateway: 'naive',
      publicKey: this.#options.signer.publicKey,
      nowMs: 0,
      lanes: eachLane((lane) => {
        const { entries, hashes } = this.lane(lane);
        const hash = hashes[entries.length] ?? new Uint8Array(32);
        return { watermark: entries.length, hash, verdict: 'ok' as const };
      }),
      batchBytesMax: 60 * 1024,
      inflightMax: 8,
      reportEveryMs: 30_000,
      reconnectSpreadMs: 0,
      epoch: hello.epoch,
      ...this.#options.welcome,
    };
    const commands = this.commands.filter((command) => command.number > hello.lastCommand);
    return commands.length === 0 ? [welcome] : [welcome, { kind: 'commands', commands }];
  }

  #ingest(batch: Batch): Message {
    if (!this.#hasSession) {
      return noSession;
    }
    this.batches.push(batch);
    const state = this.lane(batch.lane);
    const isGap = batch.seqFirst > state.entries.length + 1;
    if (isGap) state.ahead.push(batch);
    else this.#append(state, batch);
    const watermark = state.entries.length;
    return {
      kind: 'ack',
      epoch: batch.epoch,
      lane: batch.lane,
      watermark,
      hash: state.hashes[watermark] ?? new Uint8Array(32),
      missingFrom: isGap ? watermark + 1 : 0,
      slowMs: 0,
      kept: [],
    };
  }

  #declare(hole: Hole): Message {
    if (!this.#hasSession) {
      return noSession;
    }
    this.holes.push(hole);
    const state = this.lane(hole.lane);
    const isGap = hole.seqFirst > state.entries.length + 1;
    if (!isGap) {
      const before = state.hashes[hole.seqFirst - 1] ?? gone;
      if (before !== gone && !equalBytes(before, hole.previousHash))
        this.faults.push('broken hole');
      while (state.entries.length < hole.seqLast) {
        state.entries.push(gone);
        state.hashes.push(state.entries.length === hole.seqLast ? hole.hash : gone);
      }
    }
    const watermark = state.entries.length;
    return {
      kind: 'ack',
      epoch: hole.epoch,
      lane: hole.lane,
      watermark,
      hash: state.hashes[watermark] ?? gone,
      missingFrom: isGap ? watermark + 1 : 0,
      slowMs: 0,
      kept: [],
    };
  }

  #append(state: NaiveLane, batch: Batch): void {
    const entries = entriesOf(batch);
    if (entries.length !== batch.count || entries.length === 0) this.faults.push('wrong count');
    const previous = state.hashes[batch.seqFirst - 1];
    const isKnown = previous !== gone;
    if (!previous || (isKnown && !equalBytes(previous, batch.previousHash))) {
      this.faults.push('broken chain');
    }
    const told = entries.reduce(
      (hash, entry) => chainNext(sha256, hash, entry),
      batch.previousHash,
    );
    if (!equalBytes(told, batch.hash)) this.faults.push('entries that were not journaled');
    entries.forEach((entry, index) => {
      const seq = batch.seqFirst + index;
      const held = state.entries[seq - 1];
      if (held !== undefined) {
        if (held !== gone && !equalBytes(held, entry)) this.faults.push(`seq ${seq} changed`);
        return;
      }
      const hash = state.hashes[seq - 1];
      if (hash === undefined) return;
      state.entries.push(entry);
      state.hashes.push(chainNext(sha256, hash, entry));
    });
    const next = state.ahead.findIndex(({ seqFirst }) => seqFirst <= state.entries.length + 1);
    const [joining] = next < 0 ? [] : state.ahead.splice(next, 1);
    if (joining !== undefined) this.#append(state, joining);
  }
}

/** The entries that a batch carries. */
export function entriesOf(batch: Batch): readonly Uint8Array[] {
  const maxOutputLength = BATCH_PLAIN_BYTES_MAX;
  const plain =
    batch.encoding === 'plain'
      ? batch.payload
      : new Uint8Array(inflateRawSync(batch.payload, { maxOutputLength }));
  const bounds = { bytesMax: BATCH_PLAIN_BYTES_MAX, depthMax: 2, itemsMax: 2_048 };
  return decodeWith(batchEntries, plain, { ...bounds, path: 'entries' }).map(entryOf);
}
