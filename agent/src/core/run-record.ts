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
  /** Something of it is sealed: beside its entries there may be contents. */
  readonly hasContents: boolean;
  /** Number of the first history of the run: where lists show it. */
  readonly place: number;
  /** Whom it is about; empty: nobody. */
  readonly subject: string;
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
  'hasContents',
  'place',
  'subject',
] as const satisfies readonly (keyof RunRecord)[];

/**
 * What a start asks of every run. It lies in the first two bytes of a record, so that a hundred
 * thousand sleeping runs need not be decoded for it.
 */
export interface RunGlance {
  readonly state: RunState;
  readonly isContinued: boolean;
  readonly isChild: boolean;
}

const GLANCE_BYTES = 2;
const [CONTINUED, CHILD] = [1, 2];

export function encodeRunRecord(record: RunRecord): Uint8Array {
  const state = runStates.indexOf(record.state);
  const row = encodeCbor(fields.map((field) => (field === 'state' ? state : record[field])));
  const bytes = new Uint8Array(GLANCE_BYTES + row.byteLength);
  bytes[0] = state;
  bytes[1] = (record.isContinued ? CONTINUED : 0) | (record.parent === '' ? 0 : CHILD);
  bytes.set(row, GLANCE_BYTES);
  return bytes;
}

export function glanceAtRecord([state = -1, flags = 0]: Uint8Array): RunGlance {
  const known = runStates[state];
  if (known === undefined) throw invalid('run record', 'has no known state');
  return {
    state: known,
    isContinued: (flags & CONTINUED) !== 0,
    isChild: (flags & CHILD) !== 0,
  };
}

export function decodeRunRecord(bytes: Uint8Array): RunRecord {
  const row = bytes.subarray(GLANCE_BYTES);
  const items = decodeCbor(row, { bytesMax: 1 << 20, depthMax: 2, itemsMax: 64 });
  if (!Array.isArray(items) || items.length < fields.length) {
    throw invalid('run record', 'is short');
  }
  const named = Object.fromEntries(fields.map((field, index) => [field, items[index] as unknown]));
  const { state } = glanceAtRecord(bytes);
  // The bytes are our own; what a disk may have done to them shows in the entries' chain.
  return { ...named, state } as unknown as RunRecord;
}
