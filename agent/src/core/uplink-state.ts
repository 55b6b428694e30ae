import { MESSAGE_BYTES_MAX } from '@holdfast/protocol';
import type {
  Ack,
  Command,
  HoleReason,
  Lane,
  LinkDown,
  PerLane,
  Refusal,
  Welcome,
} from '@holdfast/protocol';
import type { Cap, KnownCap } from './uplink-cap.ts';
import type { LinkGate } from './link-plan.ts';
import type { Pace } from './uplink-pace.ts';
import type { JournalStand, Outlived } from './uplink-verdict.ts';

/** Every time and share the uplink goes by. Times in ms. */
export interface UplinkLimits {
  /** Pause before the second attempt to connect, doubled for each further one; jitter on all. */
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** A session that lasted this long, and was acknowledged, ends the counting of attempts. */
  readonly stableMs: number;
  /** From the first attempt to reach the broker until the link is up. */
  readonly connectMs: number;
  /** From hello to welcome. */
  readonly welcomeMs: number;
  /** Batches on their way and no progress of their lane: they are sent again, once. */
  readonly resendMs: number;
  /** …and after this long the connection is given up. */
  readonly ackDeadlineMs: number;
  /** Pause after a refusal that needs a person, half to one and a half of it. */
  readonly stuckRetryMs: number;
  /** Reports are this far apart at least, whatever the gateway asks for. */
  readonly reportEveryMsMin: number;
  /** When a link that costs opens, devices begin within this time, each at its own. */
  readonly openSpreadMs: number;
  /** Reports that something caused are this far apart at least. */
  readonly reportGapMs: number;
  /** That messages cannot be read is said at most `count` times in `windowMs`. */
  readonly answers: { readonly count: number; readonly windowMs: number };
  /** Bytes of a message that the broker is known to take. */
  readonly messageBytesMax: number;
  /** Messages on their way that the broker takes. */
  readonly inflightMax: number;
  readonly inflightBytesMax: number;
  /** Messages, and their bytes, that it takes in a second; infinite: any number. */
  readonly publishesPerS: number;
  readonly bytesPerS: number;
}

export const uplinkLimits: UplinkLimits = Object.freeze({
  retryMsMin: 500,
  retryMsMax: 60_000,
  stableMs: 10_000,
  connectMs: 20_000,
  welcomeMs: 10_000,
  resendMs: 5_000,
  ackDeadlineMs: 15_000,
  stuckRetryMs: 300_000,
  reportEveryMsMin: 1_000,
  openSpreadMs: 30_000,
  reportGapMs: 5_000,
  answers: Object.freeze({ count: 8, windowMs: 10_000 }),
  messageBytesMax: MESSAGE_BYTES_MAX,
  inflightMax: 1_024,
  inflightBytesMax: Number.POSITIVE_INFINITY,
  publishesPerS: Number.POSITIVE_INFINITY,
  bytesPerS: Number.POSITIVE_INFINITY,
});

/** What outlives a connection. */
export interface UplinkMemory {
  /** Attempts since the last session that lasted. */
  readonly attempt: number;
  /** The part of the last welcome that spreads reconnections; 0 before the first. */
  readonly spreadMs: number;
  readonly pace: Pace;
  readonly cap: Cap;
  /** Highest seq ever handed to a link. */
  readonly sentThrough: PerLane<number>;
  readonly doubts: PerLane<Doubt | undefined>;
  /** Batches that began with an entry which had been sent before. */
  readonly resends: number;
  /** Messages that were not genuine or not of the protocol. */
  readonly rejected: number;
  /** What the gateway was told of these, counted in windows: noise cannot make us talk. */
  readonly answers: { readonly sinceMs: number; readonly count: number };
  readonly lastAckAtMs: number | undefined;
  /** What may be sent now, on a link that costs. */
  readonly gate: LinkGate;
  /** Why the last connection ended, or was not made. */
  readonly reason: LinkDown | undefined;
}

export interface SeqRange {
  readonly seqFirst: number;
  readonly seqLast: number;
}

/** A batch on its way. */
export interface Flight extends SeqRange {
  readonly bytes: number;
  readonly sentAtMs: number;
  /** Which of the lane's batches of this session it is, by when it was handed over; from 1. */
  readonly order: number;
  /** Some of it was sent before. */
  readonly isAgain: boolean;
  /** It declares a hole. */
  readonly isHole: boolean;
  /** The last bytes of the message, in hex. */
  readonly tail: string;
}

/** Entries of which the gateway cannot read one: they are sent one by one. */
export interface Doubt {
  /** By seq. */
  readonly ranges: readonly SeqRange[];
  /** The one that was refused last by itself, and how often. */
  readonly seq: number;
  readonly refusals: number;
}

/** One lane within a session. acked ≤ sent ≤ head. */
export interface LaneFlow {
  /** Highest seq durable on the device. */
  readonly head: number;
  /** Highest seq handed to the link. */
  readonly sent: number;
  /** The ledger's watermark, as far as known. */
  readonly acked: number;
  /** By seq. */
  readonly flights: readonly Flight[];
  /** What was lost on its way and is to be sent again, by seq. */
  readonly again: readonly SeqRange[];
  /** What was sent behind a batch that the gateway could not read, and is sent again. */
  readonly cut: readonly Flight[];
  /** Batches that were handed over in this session. */
  readonly sends: number;
  /** What had been sent when the lane went back: until acked, gaps reported up to it are known. */
  readonly recoverThrough: number;
  /** When the lane advanced last, or something of it began to be awaited. */
  readonly progressAtMs: number;
  /** Set when it went back because nothing was acknowledged: until then something must be. */
  readonly giveUpAtMs: number | undefined;
  /** In such a silence: when one batch goes once more. */
  readonly probeAgainAtMs: number;
  /** Where its share of the link begins next; the lane with the lowest is served first. */
  readonly turn: number;
  /** Until when the gateway wants none of it; 0: it takes more. */
  readonly pausedUntilMs: number;
  /** Why nothing of it is sent, and until when. */
  readonly blocked: { readonly reason: LinkDown; readonly untilMs: number } | undefined;
}

export interface Stream {
  readonly session: Uint8Array;
  readonly sinceMs: number;
  readonly lanes: PerLane<LaneFlow>;
  readonly batchBytesMax: number;
  /** Bytes of a message with one entry. */
  readonly messageBytesMax: number;
  readonly inflightMax: number;
  /** Bytes of batches of all lanes that may be on their way; infinite: any number. */
  readonly inflightBytesMax: number;
  readonly reportEveryMs: number;
  readonly reportedAtMs: number;
  readonly reportAtMs: number;
  /** The broker would not take another message earlier. */
  readonly notBeforeMs: number;
  /** The lane whose batch is being read; one at a time. */
  readonly sending: Lane | undefined;
  /** The turn that was served last. */
  readonly turn: number;
  /** The ledger has confirmed something in this session, or had everything when it began. */
  readonly isProven: boolean;
}

/**
 *            up            hello            welcome
 *   connecting ──► greeting ─────► greeting ──────► streaming
 *     ▲   │            ▲ │                            │ │ │
 *     │   │            └─┼── session lost at gateway ─┘ │ │
 *     │   ▼ down, silence▼                              │ │
 *   offline ◄────────────┴───────── down, silence ──────┘ │
 *     ▲                                                   │
 *   refused ◄───── refusals that need a person ───────────┘
 *
 * Offline and refused end with time or a nudge.
 */
export type UplinkState = { readonly memory: UplinkMemory } & (
  | { readonly kind: 'offline'; readonly retryAtMs: number }
  | { readonly kind: 'refused'; readonly retryAtMs: number }
  | { readonly kind: 'connecting'; readonly giveUpAtMs: number }
  | {
      readonly kind: 'greeting';
      /** Of the hello that was sent; `undefined` while a pause before it runs. */
      readonly session: Uint8Array | undefined;
      readonly helloAtMs: number;
      /** What came instead of a welcome: more telling than silence. */
      readonly instead: LinkDown | undefined;
    }
  | ({ readonly kind: 'streaming' } & Stream)
);
export type UplinkKind = UplinkState['kind'];
export type InState<K extends UplinkKind> = Extract<UplinkState, { readonly kind: K }>;

/** Where each lane of the journal stands, without the hashes. */
export type LaneMarks = PerLane<{ readonly head: number; readonly acked: number }>;

/** Time and chance of an event: monotonic ms, and a number in [0, 1). */
export interface Moment {
  readonly nowMs: number;
  readonly chance: number;
}

type Happening =
  /** A moment that the uplink asked to be woken at has come. `id`: 8 random bytes. */
  | { readonly kind: 'tick'; readonly id: Uint8Array }
  /** What may be sent has changed. */
  | { readonly kind: 'gate'; readonly gate: LinkGate }
  /** Someone knows that trying now makes sense. */
  | { readonly kind: 'nudge' }
  /** The link is up. `id`: 8 random bytes. */
  | { readonly kind: 'up'; readonly id: Uint8Array }
  | { readonly kind: 'down'; readonly reason: LinkDown }
  | { readonly kind: 'welcome'; readonly welcome: Welcome; readonly stand: JournalStand }
  | { readonly kind: 'ack'; readonly ack: Ack; readonly epoch: number }
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  /** A command came, and one before it did not. */
  | { readonly kind: 'missed' }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  /** A message came that is not genuine or not of the protocol. */
  | {
      readonly kind: 'rejected';
      readonly reason: LinkDown;
      /** Its last bytes, where it cannot be read; empty: it can. */
      readonly unread: Uint8Array;
    }
  /** Entries became durable on the device. */
  | { readonly kind: 'committed'; readonly marks: LaneMarks }
  /** A batch that an effect asked for was handed to the link. */
  | {
      readonly kind: 'sent';
      readonly session: Uint8Array;
      readonly lane: Lane;
      readonly seqFirst: number;
      readonly seqLast: number;
      /** Bytes of the message, and of its entries. */
      readonly bytes: number;
      readonly entryBytes: number;
      readonly tail: string;
    }
  /** An entry alone makes a message above what may be sent; it was not. */
  | {
      readonly kind: 'oversize';
      readonly session: Uint8Array;
      readonly lane: Lane;
      readonly seqFirst: number;
      /** Of the message. */
      readonly bytes: number;
    }
  /** A hole has taken the place of an entry. */
  | { readonly kind: 'aside'; readonly session: Uint8Array; readonly lane: Lane }
  /** A batch that an effect asked for could not be read. `isFinal`: nor ever will be. */
  | {
      readonly kind: 'unread';
      readonly session: Uint8Array;
      readonly lane: Lane;
      readonly reason: LinkDown;
      readonly isFinal: boolean;
    }
  /** What the ledger was said to hold of a lane is not what this journal holds. */
  | { readonly kind: 'forked'; readonly session: Uint8Array; readonly outlived: Outlived };

export type UplinkEvent = Moment & Happening;

/** What the shell is to read, pack and send as one batch. */
export interface SendRequest {
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly entriesMax: number;
  /** Of the entries. */
  readonly entryBytesMax: number;
  /** Of the whole message; one entry may exceed it… */
  readonly messageBytesMax: number;
  /** …but not this. */
  readonly oneEntryBytesMax: number;
}

export type UplinkEffect =
  | { readonly kind: 'connect' }
  | { readonly kind: 'close' }
  | { readonly kind: 'hello'; readonly session: Uint8Array }
  /** Remember the key of the gateway, if none is remembered. */
  | { readonly kind: 'pin'; readonly publicKey: Uint8Array }
  /** Record what the ledger holds, if it is what this journal holds; else say `forked`. */
  | {
      readonly kind: 'acknowledge';
      readonly session: Uint8Array;
      readonly lane: Lane;
      readonly watermark: number;
      /** Of the ledger's chain there. */
      readonly hash: Uint8Array;
    }
  /** This journal is to end: another epoch begins. */
  | { readonly kind: 'outlived'; readonly outlived: Outlived }
  | { readonly kind: 'apply'; readonly commands: readonly Command[] }
  | { readonly kind: 'report' }
  /** Say that a message cannot be read; `of` are its last bytes. */
  | { readonly kind: 'refuse'; readonly why: string; readonly of: Uint8Array }
  /** The gateway has said what time it is, so long after it was asked. */
  | { readonly kind: 'time'; readonly gatewayMs: number; readonly roundTripMs: number }
  | ({ readonly kind: 'send'; readonly session: Uint8Array } & SendRequest)
  /** No peer takes this entry: a hole is to take its place. */
  | {
      readonly kind: 'setAside';
      readonly session: Uint8Array;
      readonly lane: Lane;
      readonly seq: number;
      readonly bytes: number;
      readonly reason: HoleReason;
    }
  /** What is known of the broker now. */
  | { readonly kind: 'remember'; readonly cap: KnownCap }
  /** The link carries so much, in bytes a second. */
  | { readonly kind: 'measured'; readonly bytesPerS: number };

export interface UplinkStep {
  readonly state: UplinkState;
  /** To be performed in this order. */
  readonly effects: readonly UplinkEffect[];
}
