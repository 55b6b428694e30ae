import {
  ENTRY_BYTES_MAX,
  HASH_BYTES,
  MACHINE_BYTES_MAX,
  NAME_LENGTH_MAX,
  TRACEPARENT_LENGTH,
  bytes,
  choice,
  command,
  commandKinds,
  decodeWith,
  encodeWith,
  lanes,
  list,
  prose,
  record,
  text,
  uint,
  type Infer,
  type Schema,
} from '@holdfast/protocol';
import { TAGS_MAX, TAG_LENGTH_MAX, TO_LENGTH_MAX, outcomes } from './dispatch.ts';
import { contentStates, ledgerHoleReasons } from './ledger.ts';
import { REASON_CODE_LENGTH_MAX } from './run-reason.ts';

/** Rows other than blocks: positional CBOR that may grow at the end. */
export interface Row<T> {
  encode(value: T): Uint8Array;
  /** Throws HF_MESSAGE_INVALID for bytes that are no such row. */
  decode(bytes: Uint8Array): T;
}

const bounds = { bytesMax: 2 * ENTRY_BYTES_MAX, depthMax: 4, itemsMax: 512 };

export function row<T>(path: string, schema: Schema<T>, itemsMax = bounds.itemsMax): Row<T> {
  return {
    encode: (value) => encodeWith(schema, value),
    decode: (stored) => decodeWith(schema, stored, { ...bounds, itemsMax, path }),
  };
}

const device = text(64);
const hash = bytes(HASH_BYTES, true);
const name = text(NAME_LENGTH_MAX);

const deviceFields = record({
  device,
  publicKey: bytes(256),
  epoch: uint(),
  firstSeenAtMs: uint(),
  lastCommand: uint(),
  lastReceipt: uint(),
  /** Of the epoch. */
  holes: record({ count: uint(), entries: uint(), bytes: uint() }),
  began: record({ atMs: uint(), cause: text(32) }),
  /** Name of the key that a person has decided for; empty: none. */
  awaitedKey: text(32),
  tags: list(record({ name: text(TAG_LENGTH_MAX), value: text(TAG_LENGTH_MAX) }), TAGS_MAX),
  /** The key that it was known by before; empty: none. */
  revokedKey: bytes(256),
});
export const deviceRow = row('device', deviceFields);
export type DeviceRow = Infer<typeof deviceFields>;

export const CERTIFICATES_MAX = 8;

const keyFields = record({
  key: text(32),
  /** When the device greeted with it first; 0: it did not yet. */
  sinceAtMs: uint(),
  /** When a person decided for it; 0: it was the first that was seen. */
  acceptedAtMs: uint(),
  /** When another one took its place, or it was revoked; 0: it counts. */
  revokedAtMs: uint(),
  /** The newest of those that were issued for it. */
  certificates: list(record({ serial: bytes(20), toMs: uint() }), CERTIFICATES_MAX),
});
export const keyRow = row('key', keyFields);
export type KeyRow = Infer<typeof keyFields>;

/** What of a device is kept in quarantine, and what found no room there. */
export const quarantineRow = row(
  'quarantine',
  record({ batches: uint(), entries: uint(), bytes: uint(), dropped: uint() }),
);

const epochFields = record({
  epoch: uint(),
  /** When it was first heard of, by the gateway's clock. */
  beganAtMs: uint(),
  /** That it was on then, as far as it was known. */
  machine: bytes(MACHINE_BYTES_MAX),
  /** What the device told of its beginning; empty: nothing, or not yet. */
  cause: text(32),
  oldEpoch: uint(),
  why: prose(1_024),
});
export const epochRow = row('epoch', epochFields);
export type EpochRow = Infer<typeof epochFields>;

export const newLifeRow = row('newLife', record({ epoch: uint(), cause: text(32) }));

export const positionRow = row(
  'position',
  record({ watermark: uint(), hash: bytes(HASH_BYTES, true) }),
);

/** A moment by the clocks of the device. */
const stamp = record({ atMs: uint(), boot: uint(), monoMs: uint() });

const runFields = record({
  device,
  run: name,
  epoch: uint(),
  /** Orders runs by their arrival here; newer is higher. */
  ordinal: uint(),
  /** Empty until `run.started` has arrived: lanes overtake each other. */
  uid: name,
  workflow: name,
  state: text(32),
  /** Position in the run's history up to which `state` is what the entries say. */
  stateN: uint(),
  status: bytes(ENTRY_BYTES_MAX),
  statusN: uint(),
  started: stamp,
  updated: stamp,
  entries: uint(),
  /** Where the entry is that says `status`; seq 0: none does. */
  statusLane: choice(lanes),
  statusSeq: uint(),
  /** When its newest entry came, by the gateway's clock. */
  receivedAtMs: uint(),
  code: text(REASON_CODE_LENGTH_MAX),
  op: record({ name, n: uint() }),
  fault: record({ name, n: uint(), code: text(REASON_CODE_LENGTH_MAX) }),
});
export const runRow = row('run', runFields);
export type RunRow = Infer<typeof runFields>;

const callFields = {
  device,
  epoch: uint(),
  run: name,
  op: uint(),
  service: name,
  key: name,
  input: bytes(ENTRY_BYTES_MAX),
  requested: stamp,
  expiresAtMs: uint(),
  traceparent: text(TRACEPARENT_LENGTH),
  /** Where the entry is that requests it. */
  lane: choice(lanes),
  seq: uint(),
};
export const callRow = row('call', record(callFields));

const parking = record({ atMs: uint(), attempts: uint(), code: text(64), why: prose(1_024) });
export const parkedRow = row('parked', record({ ...callFields, parking }));

const callStateFields = record({
  ordinal: uint(),
  /** 0: no result yet. */
  answered: uint(1),
});
export const callStateRow = row('callState', callStateFields);

const callPlaceFields = record({ ordinal: uint(), key: name, service: name });
export const callPlaceRow = row('callPlace', callPlaceFields);
export type CallPlace = Infer<typeof callPlaceFields>;

const sample = record({ monoMs: uint(), atMs: uint(), errorMs: uint() });
export const clockRow = row('clock', list(sample, 64));

export const commandRow = row('command', command);

const commandMarksFields = list(record({ through: uint(), atMs: uint() }), 16);
export const commandMarksRow = row('commandMarks', commandMarksFields);
export type CommandMarks = Infer<typeof commandMarksFields>;

const dispatchFields = record({
  id: name,
  ordinal: uint(),
  kind: choice(commandKinds),
  run: name,
  name,
  payload: bytes(ENTRY_BYTES_MAX),
  expiresAtMs: uint(),
  issuedAtMs: uint(),
  by: name,
  to: prose(TO_LENGTH_MAX),
  /** 0: more devices may follow. */
  isComplete: uint(1),
});
export const dispatchRow = row('dispatch', dispatchFields);
export type DispatchRow = Infer<typeof dispatchFields>;

export const dispatchIdRow = row('dispatchOrder', record({ id: name }));

const dispatchedFields = record({
  device,
  number: uint(),
  outcome: choice(outcomes),
  reason: prose(1_024),
  /** When its receipt came; 0: it has not. */
  settledAtMs: uint(),
});
export const dispatchedRow = row('dispatched', dispatchedFields);

export const tallyRow = row(
  'tally',
  record({ given: uint(), applied: uint(), expired: uint(), rejected: uint() }),
);

export const holeRow = row(
  'hole',
  record({
    seqFirst: uint(),
    seqLast: uint(),
    previousHash: bytes(HASH_BYTES, true),
    hash: bytes(HASH_BYTES, true),
    reason: choice(ledgerHoleReasons),
    bytes: uint(),
    firstAtMs: uint(),
    lastAtMs: uint(),
    receivedAtMs: uint(),
  }),
);

const contentFields = record({
  state: choice(contentStates),
  /** Of whom it is about; zeros where it is not held. */
  subject: hash,
  salt: hash,
  content: bytes(ENTRY_BYTES_MAX),
  /** 0: it was not. */
  erasedAtMs: uint(),
});
export const contentRow = row('content', contentFields);
export type ContentRow = Infer<typeof contentFields>;

export const erasedRow = row(
  'erased',
  record({
    /** What was journaled until then is not kept when it comes again. */
    erasedAtMs: uint(),
    /** Contents that came later, and were not kept. */
    late: uint(),
  }),
);

const RANGES_MAX = 1_000;

const erasureFields = record({
  atMs: uint(),
  by: name,
  reason: text(512),
  subject: hash,
  contents: uint(),
  bytes: uint(),
  commands: uint(),
  /** False: it stopped short; erasing again goes on. */
  isComplete: uint(1),
  /** Where they were; the first of them, when there are very many. */
  ranges: list(
    record({ device, epoch: uint(), lane: choice(lanes), seqFirst: uint(), seqLast: uint() }),
    RANGES_MAX,
  ),
});
export const erasureRow = row('erasure', erasureFields, 6 * RANGES_MAX + 16);
export type ErasureRow = Infer<typeof erasureFields>;
export const ERASURE_RANGES_MAX = RANGES_MAX;

export const pruningRow = row(
  'pruning',
  record({ atMs: uint(), entries: uint(), bytes: uint(), runs: uint(), commands: uint() }),
);

const agentId = text(64);

export const incarnationRow = row(
  'incarnation',
  record({
    current: agentId,
    machine: agentId,
    superseded: list(agentId, 64),
    sessions: list(agentId, 64),
    refusedUntilMs: uint(),
    conflicts: uint(),
    conflictAtMs: uint(),
    shownUntilMs: uint(),
    greeted: record({ boot: uint(), monoMs: uint() }),
  }),
);

export const formatRow = row('format', record({ product: text(32), format: uint() }));
