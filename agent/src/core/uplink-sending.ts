import {
  AssertionError,
  MESSAGE_BYTES_MAX,
  TAIL_BYTES,
  codeOf,
  hex,
  laneIndex,
  messageOf,
  type Link,
} from '@holdfast/protocol';
import { ReadAhead } from './read-ahead.ts';
import { packBatch, packHole, type PackedBatch } from './uplink-pack.ts';
import type { UplinkPorts } from './uplink-ports.ts';
import type { Moment, UplinkEffect, UplinkEvent } from './uplink-state.ts';
import { problemOf } from './uplink-stream.ts';

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** An event before the moment at which it is taken is known. */
export type Posted = Without<UplinkEvent, keyof Moment>;
type EffectOf<K extends UplinkEffect['kind']> = Extract<UplinkEffect, { readonly kind: K }>;

export interface SendingOptions {
  readonly device: string;
  /** That is up now; `undefined`: none is, or all is over. */
  readonly link: () => Link | undefined;
  /** Something went out. */
  readonly used: () => void;
  readonly post: (event: Posted) => void;
}

type SendingPorts = Pick<UplinkPorts, 'journal' | 'signer' | 'deflate' | 'log' | 'clock'>;

/** Reads what the machine asks for from the journal, packs it, and hands it to the link. */
export class Sending {
  readonly #ports: SendingPorts;
  readonly #options: SendingOptions;
  readonly #ahead: ReadAhead;

  constructor(ports: SendingPorts, options: SendingOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#ahead = new ReadAhead(ports.journal, ports.clock);
  }

  async send(request: EffectOf<'send'>): Promise<void> {
    const { post, used } = this.#options;
    const { session, lane, seqFirst } = request;
    const link = this.#options.link();
    let packed: PackedBatch;
    try {
      packed = await this.#pack(request);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (codeOf(error) !== 'HF_MESSAGE_TOO_LARGE') return this.#noteUnread(request, error);
      const bytes = MESSAGE_BYTES_MAX + 1;
      return post({ kind: 'oversize', session, lane, seqFirst, bytes });
    }
    if (link === undefined || link !== this.#options.link()) return;
    const { byteLength: bytes } = packed.bytes;
    if (packed.count === 1 && packed.entryBytes > 0 && bytes > request.oneEntryBytesMax) {
      return post({ kind: 'oversize', session, lane, seqFirst, bytes });
    }
    void link.send('up', packed.bytes);
    used();
    const tail = hex(packed.bytes.subarray(-TAIL_BYTES));
    const sizes = { bytes, entryBytes: packed.entryBytes, tail };
    const seqLast = seqFirst + packed.count - 1;
    post({ kind: 'sent', session, lane, seqFirst, seqLast, ...sizes });
  }

  async #pack(request: EffectOf<'send'>): Promise<PackedBatch> {
    const { journal, signer, deflate } = this.#ports;
    const { lane, seqFirst } = request;
    const limits = { entriesMax: request.entriesMax, bytesMax: request.entryBytesMax };
    const read = await this.#ahead.read({ lane, seqFirst }, limits);
    const { epoch } = journal;
    const ports = { device: this.#options.device, signer, deflate };
    if (read.hole) return packHole({ ...read.hole, epoch }, seqFirst, ports);
    const next = { lane, seqFirst: seqFirst + read.entries.length };
    const { head } = journal.positions()[laneIndex(lane)];
    // Where less than as much again waits behind it, nothing is gained.
    const isLong = head >= next.seqFirst + read.entries.length;
    const reading = isLong ? this.#ahead.begin(next, limits) : undefined;
    const source = { ...read, epoch, lane, seqFirst };
    const packed = await packBatch(source, request.messageBytesMax, ports);
    await reading;
    return packed;
  }

  async setAside({ session, lane, seq, bytes, reason }: EffectOf<'setAside'>): Promise<void> {
    const { journal, log } = this.#ports;
    try {
      await journal.setAside(lane, seq, reason);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      return this.#noteUnread({ session, lane, seqFirst: seq }, error);
    }
    const cause = reason === 'refused' ? 'the gateway cannot read it' : 'no message carries it';
    const why = `${cause}; the entry stays here`;
    log.error('an entry will not be sent', { lane, seq, bytes, why });
    this.#options.post({ kind: 'aside', session, lane });
  }

  #noteUnread(
    { session, lane, seqFirst }: Pick<EffectOf<'send'>, 'session' | 'lane' | 'seqFirst'>,
    error: unknown,
  ): void {
    // It ended while the lane was being read.
    if (this.#options.link() === undefined) return;
    const { journal, log } = this.#ports;
    // What was acknowledged once may be gone: a ledger set back cannot be given it again.
    const isFinal = seqFirst <= journal.positions()[laneIndex(lane)].acked;
    const code = isFinal ? 'HF_LEDGER_BEHIND' : (codeOf(error) ?? 'HF_ENTRY_DAMAGED');
    log.error('lane cannot be read', { lane, seqFirst, code, why: messageOf(error) });
    const reason = problemOf(code, `lane ${lane}, seq ${seqFirst}`);
    this.#options.post({ kind: 'unread', session, lane, reason, isFinal });
  }
}
