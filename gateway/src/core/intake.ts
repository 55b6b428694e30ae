import { codeOf, messageOf, type Batch, type Hole } from '@holdfast/protocol';
import { Ahead, type Piece } from './ahead.ts';
import { readBatch, type BatchContent } from './batch-payload.ts';
import { readEntry } from './ingest.ts';
import type { IngestBatch, IngestOutcome } from './ledger.ts';
import { available } from './ledger-availability.ts';
import { LedgerWait } from './overload/ingest-pace.ts';
import type { SessionEffect, SessionEvent } from './session-events.ts';
import type { SessionPorts } from './session-ports.ts';
import type { Session } from './session-state.ts';
import type { SessionsLimits } from './sessions.ts';

type IngestEffect = Extract<SessionEffect, { readonly kind: 'ingest' }>;
type Ingested = Extract<SessionEvent, { readonly kind: 'ingested' }>;

/** A batch waits so often for those before it: 0.6 s in all, well below the device's patience. */
const TURNS_MAX = 5;
const TURN_MS = 40;

type IntakeLimits = Pick<SessionsLimits, 'inflightMax' | 'ingestingMax' | 'ingestBytesMax'>;

/** Whose entries they are. */
export interface IntakeSessions {
  sessionOf(device: string): Session | undefined;
  step(device: string, event: SessionEvent): void;
}

/**
 * Brings what devices send of their lanes into the ledger, each piece in its turn and without one
 * waiting for the commit of the other, and tells their sessions what became of it.
 */
export class Intake {
  readonly #ports: SessionPorts;
  readonly #limits: IntakeLimits;
  readonly #sessions: IntakeSessions;
  readonly #ahead: Ahead;
  readonly #wait: LedgerWait;
  #bytes = 0;

  constructor(
    ports: SessionPorts,
    limits: IntakeLimits,
    sessions: IntakeSessions,
  ) {
    this.#ports = ports;
    this.#limits = limits;
    this.#sessions = sessions;
    this.#wait = new LedgerWait(ports.clock);
    this.#ahead = new Ahead({
      clock: ports.clock,
      piecesMax: limits.inflightMax,
      // The rest is for what has its turn.
      bytesMax: limits.ingestBytesMax / 2,
      tell: (batch, position, kept) =>
        sessions.step(batch.device, { kind: 'ahead', batch, position, kept }),
    });
  }

  /** How long what has waited longest for the ledger has waited, ms. */
  get waitMs(): number {
    return this.#wait.ms;
  }

  /** A device begins anew from what the ledger has: what came ahead of its turn is forgotten. */
  forget(device: string): void {
    this.#ahead.forget(device);
  }

  /** Keeps nothing that comes ahead of its turn from now on. */
  close(): void {
    this.#ahead.close();
  }

  /** Resolves once the batch is durable and answered, or is not to be. */
  async ingest(device: string, { batch, tail }: IngestEffect): Promise<void> {
    let content: BatchContent;
    try {
      content = readBatch(batch, this.#ports.inflate);
    } catch (error) {
      this.#sessions.step(device, { kind: 'undecodable', why: messageOf(error), tail });
      return;
    }
    const bytes = batch.plainBytes;
    if (this.#bytes + bytes > this.#limits.ingestBytesMax) {
      this.#sessions.step(device, { kind: 'dropped' });
      return;
    }
    const { epoch, lane, seqFirst, previousHash, hash } = batch;
    const receivedAtMs = this.#ports.clock.nowMs();
    this.#bytes += bytes;
    const publicKey = this.#sessions.sessionOf(device)?.pinned?.publicKey;
    const chain = { device, epoch, lane, publicKey, seqFirst, previousHash, hash };
    const ingest = { ...chain, ...content, receivedAtMs };
    try {
      await this.#commit(ingest, bytes);
    } finally {
      this.#bytes -= bytes;
    }
  }

  /** Keeps entries that are not to be believed. */
  async quarantine(device: string, batch: Batch): Promise<void> {
    const { ledger, clock, log } = this.#ports;
    const { epoch, lane, seqFirst, previousHash, hash } = batch;
    let content: BatchContent;
    try {
      content = readBatch(batch, this.#ports.inflate);
    } catch (error) {
      log.info('refused', { device, code: codeOf(error), why: messageOf(error) });
      return;
    }
    const { entries } = content;
    const place = { device, epoch, lane, seqFirst, previousHash, hash };
    await ledger.quarantine({ ...place, entries, receivedAtMs: clock.nowMs() });
    log.info('kept in quarantine', { device, epoch, lane, seqFirst, entries: entries.length });
  }

  async #commit(batch: IngestBatch, bytes: number): Promise<void> {
    const { point, onArrival, onCalls, ledger } = this.#ports;
    const { device, epoch, lane } = batch;
    await point('ledger:ingest');
    const seqLast = batch.seqFirst + batch.entries.length - 1;
    const event = await this.#take({ ...batch, seqLast, bytes }, () => ledger.ingest(batch));
    if (event.kind !== 'ingested') {
      this.#sessions.step(device, event);
      return;
    }
    const { outcome } = event;
    await point('ledger:committed');
    if (outcome.kind === 'committed' && outcome.fresh > 0) {
      const { watermark } = outcome.position;
      onArrival({ device, epoch, lane, watermark, fresh: outcome.fresh });
      this.#measureArrival(batch);
      if (outcome.calls > 0) onCalls();
    }
    this.#ingested(device, event);
    if (outcome.kind !== 'committed' || outcome.issued === 0) return;
    this.#sessions.step(device, { kind: 'issued' });
  }

  #measureArrival({ device, entries }: IngestBatch): void {
    const { meter, clock } = this.#ports;
    const entry = meter && readEntry(entries.at(-1) ?? new Uint8Array());
    if (!meter || entry === undefined) return;
    const aheadMs = this.#sessions.sessionOf(device)?.clockAheadMs ?? 0;
    meter.arrived(clock.nowMs() - (entry.atMs - aheadMs));
  }

  /** Has the ledger take a piece of a lane once it has what comes before. */
  #take(piece: Piece, take: () => Promise<IngestOutcome>): Promise<SessionEvent> {
    const { meter, isShared, lateMs = () => 0 } = this.#ports;
    let waitedMs = 0;
    const measured = async (): Promise<IngestOutcome> => {
      const { result, tookMs, waiting } = await this.#wait.of(take);
      meter?.took(result, tookMs);
      // Where no more wait than one device may have on its way, the ledger is slow, and not busy.
      const queuedMs = waiting > this.#limits.ingestingMax ? tookMs : 0;
      // Before that it waited for this process.
      waitedMs = queuedMs + lateMs();
      return result;
    };
    const work = async (): Promise<SessionEvent> => {
      const outcome = isShared
        ? await this.#takeShared(measured)
        : await this.#ahead.inTurn(piece, measured);
      return outcome ? { kind: 'ingested', batch: piece, outcome, waitedMs } : { kind: 'dropped' };
    };
    return available(work, { isBatch: true });
  }

  #ingested(device: string, event: Ingested): void {
    this.#sessions.step(device, event);
    const { batch, outcome } = event;
    if (outcome.kind !== 'committed') return;
    this.#ahead.advanced({ device, ...batch }, outcome.position.watermark);
  }

  /** What comes before it may be on its way into the ledger by another gateway. */
  async #takeShared(take: () => Promise<IngestOutcome>): Promise<IngestOutcome> {
    let outcome = await take();
    for (let turn = 1; outcome.kind === 'gap' && turn <= TURNS_MAX; turn += 1) {
      await new Promise<void>((resolve) => this.#ports.clock.wakeIn(turn * TURN_MS, resolve));
      outcome = await take();
    }
    return outcome;
  }

  /** Has a hole take its place in the ledger. */
  async declare(device: string, { epoch, ...hole }: Hole): Promise<void> {
    const { ledger, point, clock, log } = this.#ports;
    await point('ledger:ingest');
    const receivedAtMs = clock.nowMs();
    const { lane, seqFirst, seqLast, reason } = hole;
    const publicKey = this.#sessions.sessionOf(device)?.pinned?.publicKey;
    const declared = { device, epoch, publicKey, hole, receivedAtMs };
    const piece = { device, epoch, lane, seqFirst, seqLast, bytes: 0 };
    const event = await this.#take(piece, () => ledger.declareHole(declared));
    if (event.kind !== 'ingested') {
      this.#sessions.step(device, event);
      return;
    }
    await point('ledger:committed');
    log.info('a hole was declared', { device, epoch, lane, seqFirst, seqLast, reason });
    this.#ingested(device, event);
  }
}
