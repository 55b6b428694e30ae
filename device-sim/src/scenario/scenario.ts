import type { FaultKind } from './fault-kinds.ts';

/** Something that goes wrong, again and again or at moments that are given. */
export interface Fault {
  readonly kind: FaultKind;
  /** On average; 0: only at `atMs`. */
  readonly everyMs: number;
  readonly atMs: readonly number[];
  /** How long it lasts, on average where it comes again and again. */
  readonly forMs: number;
  /** It happens to the first so many devices; `undefined`: to each. */
  readonly devices?: number | undefined;
  /** What its kind takes besides; durations in ms. */
  readonly params: Readonly<Record<string, number>>;
}

/** What a message may meet at the broker. Chances are from 0 to 1. */
export interface Weather {
  /** It is lost. */
  readonly drop: number;
  /** It comes twice. */
  readonly duplicate: number;
  /** Later ones overtake it. */
  readonly delay: number;
  /** Somebody changes a byte of it. */
  readonly corrupt: number;
  /** The connection ends in the middle of it. */
  readonly cut: number;
}

export const fairWeather: Weather = { drop: 0, duplicate: 0, delay: 0, corrupt: 0, cut: 0 };

/** Runs of one workflow that each device starts, again and again. */
export interface StartRule {
  readonly workflow: string;
  readonly everyMs: number;
  /** JSON; the text `$id` anywhere in it becomes the id of the run. */
  readonly input: unknown;
}

/** A fleet, what it does, and what happens to it. Times in ms, chances from 0 to 1. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly devices: number;
  /** How long things go wrong; then they heal, and everything must come to its end. */
  readonly durationMs: number;
  /** How often each device starts a run of the workflows that come along. */
  readonly runEveryMs: number;
  /** How often each device emits an event outside of runs. */
  readonly emitEveryMs: number;
  /** …and how many at once. */
  readonly emitAtOnce: number;
  /** How often somebody at the gateway gives each device a command. */
  readonly orderEveryMs: number;
  /** How long commands are valid, at most; some for ever. */
  readonly orderForMs: number;
  /** Chance that a body or a handler fails. */
  readonly failing: number;
  /** Chance that a handler does not answer. */
  readonly hanging: number;
  /** Chance that what a handler has answered is answered once more, with something else. */
  readonly answeringTwice: number;
  /** Of workflows that the user brings. */
  readonly starts: readonly StartRule[];
  /** How many there are, on one ledger. */
  readonly gateways: number;
  readonly reportEveryMs: number;
  /** The longest pause of a device between two attempts to connect. */
  readonly reconnectMaxMs: number;
  /** How long devices keep what has ended and the ledger has. */
  readonly keepMs: number;
  readonly weather: Weather;
  /** Share of messages that a stranger answers with a forged one. */
  readonly forging: number;
  /** Chance that an agent is killed before, during or after the sync of a commit. */
  readonly killAtCommit: number;
  /** Chance that an agent is killed when it asks its store for anything. */
  readonly killAtAwait: number;
  /** Chance that a gateway is killed at a point between receiving, committing and answering. */
  readonly gatewayKillAtPoint: number;
  readonly faults: readonly Fault[];
}
