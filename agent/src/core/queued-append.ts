import type { StoreOp } from '@holdfast/protocol';
import type { EntryRef } from './journal.ts';
import type { LaneState } from './lane-state.ts';

/** What waits for a commit, or is in one. */
export interface QueuedAppend {
  readonly ops: readonly StoreOp[];
  readonly refs: readonly EntryRef[];
  readonly ends: readonly LaneEnd[];
  readonly bytes: number;
  readonly resolve: (refs: readonly EntryRef[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Where a lane ends once an entry of a commit is durable. */
export interface LaneEnd {
  readonly state: LaneState;
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly bytes: number;
}

/** It is durable: its lanes end where it says, and whoever waits for it goes on. */
export function settleAppend({ ends, refs, resolve }: QueuedAppend): void {
  for (const { state, seq, hash, bytes } of ends) {
    state.head = seq;
    state.headHash = hash;
    state.headBytes = bytes;
  }
  resolve(refs);
}
