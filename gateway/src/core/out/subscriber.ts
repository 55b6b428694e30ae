import type { OutCursor } from './read-out.ts';
import type { OutFilter, OutPlace } from './record.ts';

/** Somebody outside who is told of entries by POST. */
export interface Subscriber {
  readonly id: string;
  readonly url: string;
  /** What events are signed with; 24 to 64 bytes. */
  /** Sealed: the ledger and its copies tell nobody what events are signed with. */
  readonly secret: Uint8Array;
  readonly createdAtMs: number;
  readonly by: string;
  readonly filter: OutFilter;
  /** Values that are about somebody go out with their contents. */
  readonly isPersonal: boolean;
  readonly state: 'active' | 'disabled';
  /** Why it is disabled, or what went wrong last; empty: nothing. */
  readonly why: string;
  /** Since when it cannot be reached; 0: it can. */
  readonly failingSinceMs: number;
  /** Events in a row that it did not take. */
  readonly refusedInARow: number;
  /** When it took an event last; 0: never. */
  readonly deliveredAtMs: number;
}

/** An event that a subscriber did not take. */
export interface DeadEvent {
  readonly place: OutPlace;
  readonly atMs: number;
  readonly attempts: number;
  /** HTTP status of the last answer; 0: none came. */
  readonly status: number;
  readonly why: string;
  /** It is to be sent again. */
  readonly isQueued: boolean;
}

/** What a ledger keeps of what goes out of it. Every change is durable once it resolves. */
export interface OutLedger {
  /** The workflows of runs, as far as they are known. */
  workflows(device: string, runs: readonly string[]): Promise<ReadonlyMap<string, string>>;

  subscribers(): Promise<readonly Subscriber[]>;
  subscriber(id: string): Promise<Subscriber | undefined>;
  saveSubscriber(subscriber: Subscriber): Promise<void>;
  /** With all that is known of what it was told. @returns Whether there was one. */
  removeSubscriber(id: string): Promise<boolean>;
  /** Has one gateway tell this subscriber, for `forMs`. @returns Whether it is this one. */
  claimSubscriber(id: string, owner: string, forMs: number): Promise<boolean>;

  /** How far it was told of each of these devices; `undefined`: of nothing yet. */
  cursors(id: string, devices: readonly string[]): Promise<readonly (OutCursor | undefined)[]>;
  /** In one commit: how far it was told, and which events it did not take. */
  advance(change: {
    readonly id: string;
    readonly cursors: ReadonlyMap<string, OutCursor>;
    readonly dead?: readonly DeadEvent[];
  }): Promise<void>;

  deadEvents(query: {
    readonly id: string;
    readonly after?: OutPlace | undefined;
    readonly limit: number;
  }): Promise<readonly DeadEvent[]>;
  /** Puts these in the place of what was there; `gone` are there no more. */
  changeDead(change: {
    readonly id: string;
    readonly put: readonly DeadEvent[];
    readonly gone: readonly OutPlace[];
  }): Promise<void>;
}
