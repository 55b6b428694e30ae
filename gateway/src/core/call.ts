import type { Command, Lane } from '@holdfast/protocol';
import type { Stamp } from './device-clock.ts';
import type { SqlClient } from './handler-ports.ts';

/** A call that a device has requested and that has no result yet. */
export interface PendingCall {
  /** Orders calls of a service by their arrival here; with the service, it names the call. */
  readonly ordinal: number;
  readonly device: string;
  readonly epoch: number;
  readonly run: string;
  readonly op: number;
  readonly service: string;
  readonly key: string;
  /** Encoded value; a sealed one, where its content is not held. */
  readonly input: Uint8Array;
  /** By the clocks of the device. */
  readonly requested: Stamp;
  /** By the device's wall clock; 0: never. */
  readonly expiresAtMs: number;
  /** The call's place in a trace, as the device wrote it; empty: none. */
  readonly traceparent: string;
  /** Where the entry is that requests it. */
  readonly lane: Lane;
  readonly seq: number;
  /** It is about somebody: what its handler says of it is not logged. */
  readonly isPrivate: boolean;
}

/** Calls wait for their handler, or, when its attempts are used up, for a person. */
export const callStates = ['pending', 'parked'] as const;
export type CallState = (typeof callStates)[number];

/** Why a call was parked. */
export interface Parking {
  readonly atMs: number;
  readonly attempts: number;
  /** Of the last failure; empty: it had none. */
  readonly code: string;
  readonly why: string;
}

export interface WaitingCall extends PendingCall {
  readonly state: CallState;
  /** `undefined`: it is not. */
  readonly parking: Parking | undefined;
}

export type CallResult =
  | { readonly kind: 'call.completed'; readonly payload: Uint8Array }
  | { readonly kind: 'call.failed'; readonly payload: Uint8Array };

/** What a ledger has of calls. */
export interface CallLedger {
  /** Calls that wait for their handler: of one service, or by service; the oldest first. */
  pendingCalls(limit: number, service?: string): Promise<readonly PendingCall[]>;

  /** Services of which calls are in a state, in some order, at most 1,000. */
  callServices(state: CallState): Promise<readonly string[]>;

  /** Calls without a result, by service, the oldest first. `after`: the last of the page before. */
  calls(query: {
    readonly state: CallState;
    /** Default: all. */
    readonly service?: string | undefined;
    readonly after?: Pick<PendingCall, 'service' | 'ordinal'> | undefined;
    readonly limit: number;
  }): Promise<readonly WaitingCall[]>;

  /**
   * Has a call wait for a person. Durable once it resolves. @returns Whether it was pending.
   */
  parkCall(call: PendingCall, parking: Parking): Promise<boolean>;

  /** Has parked calls wait for their handler again. Durable. @returns How many were parked. */
  requeueCalls(calls: readonly PendingCall[]): Promise<number>;

  /**
   * Has calls be for one gateway to execute: no other one gets them before `forMs` are over, unless
   * it claims them again. @returns Those that are its own now.
   */
  claimCalls(claim: {
    readonly calls: readonly PendingCall[];
    readonly owner: string;
    readonly forMs: number;
  }): Promise<readonly PendingCall[]>;

  /**
   * Records the result of a call and issues the command that carries it, in one transaction.
   * Durable once it resolves. Returns `undefined`, and changes nothing, when the call has a
   * result already, or its run no longer waits for one.
   */
  completeCall(call: PendingCall, result: CallResult): Promise<Command | undefined>;

  /**
   * The same in one transaction with what `body` writes: where it returns `undefined`, or `body`
   * throws, nothing of that is there. @throws HF_HANDLER_TRANSACTION without a database.
   */
  completeCallWith(
    call: PendingCall,
    body: (sql: SqlClient) => Promise<CallResult>,
  ): Promise<Command | undefined>;
}
