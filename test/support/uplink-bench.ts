import {
  step,
  uplinkIdle,
  uplinkLimits,
  wakeAtMs,
  type InState,
  type JournalStand,
  type LaneMarks,
  type UplinkEffect,
  type UplinkEvent,
  type UplinkState,
} from '@holdfast/agent/internal';
import { assert, eachLane, type Ack, type Lane, type Welcome } from '@holdfast/protocol';

export const limits = uplinkLimits;
export const session = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
export const hash = new Uint8Array(32);
export const reason = { code: 'HF_LINK_LOST', message: 'lost' };

export const nothingMissing = { missingFrom: 0, slowMs: 0, kept: [] };

/** An event without its moment. */
export type Posted<K extends UplinkEvent['kind']> = Omit<
  Extract<UplinkEvent, { readonly kind: K }>,
  'kind' | 'nowMs' | 'chance'
>;

/** A machine and the time it lives in. */
export class Bench {
  state: UplinkState = uplinkIdle;
  nowMs = 1_000;
  effects: readonly UplinkEffect[] = [];

  do<K extends UplinkEvent['kind']>(kind: K, event: Posted<K>): readonly UplinkEffect[] {
    const whole = { kind, nowMs: this.nowMs, chance: 0.5, ...event };
    const { state, effects } = step(this.state, whole as UplinkEvent, limits);
    this.state = state;
    this.effects = effects;
    return effects;
  }

  /** Time goes on to the next moment at which the machine wants to be woken. */
  wake(): readonly UplinkEffect[] {
    this.nowMs = Math.max(this.nowMs, wakeAtMs(this.state, limits));
    return this.do('tick', { id: session });
  }

  /** From nothing to a session in which a lane has that many entries pending. */
  connect(heads: Partial<Record<Lane, number>> = {}, given: Partial<Welcome> = {}): this {
    this.do('nudge', {});
    this.do('up', { id: session });
    this.do('welcome', { welcome: welcome(given), stand: standOf(marksOf(heads)) });
    return this;
  }

  /** The shell hands the batch that was asked for to the link. */
  sendAsked(count = 1, bytes = 500): Extract<UplinkEffect, { readonly kind: 'send' }> {
    const asked = this.effects.find((effect) => effect.kind === 'send');
    assert(asked?.kind === 'send', 'a batch was asked for');
    const { lane, seqFirst } = asked;
    const seqLast = seqFirst + Math.min(count, asked.entriesMax) - 1;
    this.do('sent', { session, lane, seqFirst, seqLast, bytes, entryBytes: bytes, tail: '' });
    return asked;
  }

  /** Sends until nothing more is asked for. */
  sendAll(count = 1, bytes = 500): readonly string[] {
    const sent: string[] = [];
    while (this.effects.some((effect) => effect.kind === 'send')) {
      const { lane, seqFirst } = this.sendAsked(count, bytes);
      sent.push(`${lane} ${seqFirst}`);
    }
    return sent;
  }

  ack(watermark: number, more: Partial<Ack> = {}): readonly UplinkEffect[] {
    const ack = { epoch: 1, lane: 'normal', watermark, hash, ...nothingMissing, ...more };
    return this.do('ack', { ack: ack as Ack, epoch: 1 });
  }

  get stream(): InState<'streaming'> {
    assert(this.state.kind === 'streaming', 'a session');
    return this.state;
  }
}

export function welcome(given: Partial<Welcome> = {}): Welcome {
  return {
    protocol: 1,
    session,
    gateway: 'gw',
    publicKey: hash,
    nowMs: 0,
    lanes: eachLane(() => ({ watermark: 0, hash, verdict: 'ok' as const })),
    batchBytesMax: 60_000,
    inflightMax: 8,
    reportEveryMs: 600_000,
    reconnectSpreadMs: 0,
    epoch: 1,
    ...given,
  };
}

export function marksOf(heads: Partial<Record<Lane, number>>) {
  return eachLane((lane) => ({ head: heads[lane] ?? 0, acked: 0 }));
}

/** A journal that keeps none of the entries that are compared. */
export function standOf(marks: LaneMarks): JournalStand {
  return { epoch: 1, marks, hashes: [undefined, undefined, undefined] };
}
