/**
 * The edges of the pure cores. Each port has a real and a simulated implementation, and one
 * contract suite in `test/contract` that runs over both.
 */

/** Wall time, monotonic time, and waking up. All in milliseconds. */
export interface Clock {
  /** Wall time, ms since 1970. May jump; use it for people and records, never for order. */
  nowMs(): number;
  /** Time since some fixed moment of this boot, in ms. Never goes back. */
  monoMs(): number;
  /**
   * Calls `wake` once, `delayMs` of monotonic time from now, however long that is.
   *
   * @param patience `patient`: after a suspension it may come late by as long as that was, so that
   *   nobody has to look whether there was one.
   * @returns Cancels; harmless after the call.
   */
  wakeIn(delayMs: number, wake: () => void, patience?: 'patient'): () => void;
}

/** Chance, injected so that a seed decides it in simulations. */
export interface Chance {
  /** A number in [0, 1). */
  next(): number;
  /** `length` random bytes, fit for identifiers. */
  bytes(length: number): Uint8Array;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** `error`: a person must look. `info`: a change of state worth a line. `debug`: for developers. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** SHA-256 of the parts, one after another. 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/** A named place where a simulated crash may strike. Does nothing in production. */
export type Point = (name: string) => void | Promise<void>;

/** One change of a store. */
export type StoreOp =
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array };

export interface ScanRange {
  /** First key, inclusive. */
  readonly from: Uint8Array;
  /** First key beyond the range. */
  readonly to: Uint8Array;
  /** Most rows to return, ≥ 1. */
  readonly limit: number;
  /** It may end with the row with which all have so many bytes. Absent: however many they have. */
  readonly bytesMax?: number;
  readonly reverse?: boolean;
}

export type StoreRange = Pick<ScanRange, 'from' | 'to'>;

export interface StoreRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Takes a row. The next one waits for the promise that it returns, if it does. */
export type Visit = (row: StoreRow) => unknown;

/** Ordered keys and values on stable storage. Keys compare as bytes. */
export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Values in the order of the keys; `undefined` where there is none. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** At most `limit` rows in key order. Fewer only at the end of the range, or for `bytesMax`. */
  scan(range: ScanRange): Promise<StoreRow[]>;
  /**
   * Calls `visit` with every row of a range in key order, as they were at the call. Only a few are
   * in memory at a time, however many there are. Rejects when the store is had anew meanwhile.
   */
  each(range: StoreRange, visit: Visit): Promise<void>;
  /**
   * Applies all ops or none. Once it resolves, a power cut does not undo it. Once it rejects,
   * nobody knows what the disk holds: close, open, read.
   */
  write(ops: readonly StoreOp[]): Promise<void>;
  /**
   * Writes the files of the range anew, so that nothing of what was deleted in it before is left in
   * them. Its ends are no keys of rows.
   */
  compact(range: StoreRange): Promise<void>;
  close(): Promise<void>;
}

/** What a link tells its owner. */
export type LinkEvent =
  | {
      readonly kind: 'up';
      /** Largest packet that the broker says it takes; most say nothing. */
      readonly packetBytesMax?: number;
    }
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'down'; readonly reason: LinkDown };

/** Why a link is down, in a word the status shows. */
export interface LinkDown {
  readonly code: string;
  readonly message: string;
}

/** One connection attempt of a device to its broker, and the session that may follow. */
export interface Link {
  /**
   * Sends towards the gateway. Resolves when the broker has taken it, which paces and promises
   * nothing more, or when the link ends. Never rejects: a failure ends the link with `down`.
   */
  send(channel: 'up' | 'state', bytes: Uint8Array): Promise<void>;
  /** Ends the connection at once. A `down` event follows, if none came yet. */
  close(): void;
  /** Bytes of the connection so far, both ways, below what encrypts. Absent: they are not known. */
  traffic?(): number;
}

/** Opens a link; events arrive until `down`, which is the last. */
export type Dial = (listen: (event: LinkEvent) => void) => Link;
