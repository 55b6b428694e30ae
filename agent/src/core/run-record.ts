import { decodeCbor, encodeCbor, invalid } from '@holdfast/protocol';
import { runStates, type RunState } from './views.ts';

/**
 * What the store knows of a run without its history. Written when the run starts, when it is put
 * away to wait, when it is woken, and when it ends; between these its history says more.
 */
export interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly uid: string;
  readonly state: RunState;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  /** Length of the history, when the record was written. */
  readonly n: number;
  /** Encoded value of the last `setStatus`; empty: none. */
  readonly status: Uint8Array;
  /** The operation the run waits at; empty: none. */
  readonly at: string;
  readonly attempt: number;
  /** 0: it does not go on by itself. */
  readonly nextAtMs: number;
  /** Why it is stuck; empty: it is not. */
  readonly stuckCode: string;
  readonly stuckReason: string;
  /** The run that began it as a child, and its operation there; empty and 0: none did. */
  readonly parent: string;
  readonly parentOp: number;
  /** Ends of the process while it was at work, and nothing of it was journaled since. */
  readonly crashes: number;
  /** It went on in a new history: its id stands for that one. */
  readonly isContinued: boolean;
}

const fields = [
  'id',
  'workflow',
  'version',
  'uid',
  'state',
  'startedAtMs',
  'updatedAtMs',
  'n',
  'status',
  'at',
  'attempt',
  'nextAtMs',
  'stuckCode',
  'stuckReason',
  'parent',
  'parentOp',
  'crashes',
  'isContinued',
] as const satisfies readonly (keyof RunRecord)[];

export function encodeRunRecord(record: RunRecord): Uint8Array {
  return encodeCbor(
    fields.map((field) => (field === 'state' ? runStates.indexOf(record.state) : record[field])),
  );
}

export function decodeRunRecord(bytes: Uint8Array): RunRecord {
  const items = decodeCbor(bytes, { bytesMax: 1 << 20, depthMax: 2, itemsMax: 64 });
  if (!Array.isArray(items) || items.length < fields.length) {
    throw invalid('run record', 'is short');
  }
  const row = Object.fromEntries(fields.map((field, index) => [field, items[index] as unknown]));
  const state = runStates[Number(row['state'])];
  if (state === undefined) throw invalid('run record', 'has no known state');
  // The bytes are our own; what a disk may have done to them shows in the entries' chain.
  return { ...row, state } as unknown as RunRecord;
}
