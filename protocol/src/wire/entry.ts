import { HoldfastError } from '../base/errors.ts';
import { NAME_LENGTH_MAX } from '../base/names.ts';
import { TRACEPARENT_LENGTH } from '../base/traceparent.ts';
import {
  bool,
  bytes,
  choice,
  invalid,
  prose,
  record,
  text,
  uint,
  type Infer,
  type RecordSchema,
  type Source,
} from '../base/schema.ts';
import { decodeCbor, encodeNumbered, takeUsual } from './cbor.ts';

/** Bytes of one entry, whole. One entry fits into one batch with room for its frame. */
export const ENTRY_BYTES_MAX = 56 * 1024;

const name = text(NAME_LENGTH_MAX);
const value = bytes(ENTRY_BYTES_MAX);
/** Its place in a trace [W3C Trace Context]; empty: none. */
const traceparent = text(TRACEPARENT_LENGTH);
const reason = prose(1_024);

/** What every entry begins with. */
const stamp = {
  /** Wall time when it was journaled, ms since 1970; as right as the device's clock was. */
  atMs: uint(),
  /** Counts the starts of the agent. With `monoMs`, times within one boot compare exactly. */
  boot: uint(),
  /** Monotonic time of that boot, ms. */
  monoMs: uint(),
};

/** What every entry of a run goes on with. */
const ofRun = {
  ...stamp,
  run: name,
  /** Position in the history of the run, from 0, across all lanes. */
  n: uint(),
};

/** …and of an operation in it: operations are numbered in the order the code began them. */
const ofOp = { ...ofRun, op: uint(), name };

/**
 * Why a life of a journal ended and another began. `salvaged`: its store was damaged. `rewound`:
 * the ledger had more of it than the device. `forked`: the chains differed at what both had agreed
 * on. `moved`: its store woke up on another machine.
 */
export const epochCauses = ['salvaged', 'rewound', 'forked', 'moved', 'restored'] as const;
export type EpochCause = (typeof epochCauses)[number];

/**
 * Every kind of entry with its fields. The position in this table is the kind's number on the
 * wire: kinds are added at the end and never removed.
 *
 * A field named as one of `valueFields` holds an encoded value. No kind has two of them.
 */
const kinds = {
  'run.started': record({
    ...ofRun,
    workflow: name,
    version: uint(),
    uid: name,
    input: value,
    /** The run that began it as a child, and that run's operation; empty and 0: none did. */
    parent: text(NAME_LENGTH_MAX),
    parentOp: uint(),
    /** Of whatever began it. */
    traceparent,
  }),
  'run.completed': record({ ...ofRun, output: value }),
  'run.failed': record({ ...ofRun, error: value }),
  'run.cancelled': record({ ...ofRun, reason }),
  'run.stuck': record({ ...ofRun, code: name, reason }),
  'run.status': record({ ...ofOp, status: value }),
  'step.completed': record({ ...ofOp, attempt: uint(), tookMs: uint(), result: value }),
  'step.failed': record({ ...ofOp, attempt: uint(), error: value }),
  /** An attempt that failed and will be repeated at `nextAtMs`. */
  'step.retrying': record({ ...ofOp, attempt: uint(), nextAtMs: uint(), error: value }),
  'timer.set': record({ ...ofOp, dueAtMs: uint() }),
  'timer.fired': record({ ...ofOp }),
  'signal.received': record({ ...ofRun, name, id: text(NAME_LENGTH_MAX), payload: value }),
  /** `key` is the idempotency key that the handler sees. `expiresAtMs` 0: never. */
  'call.requested': record({ ...ofOp, key: name, expiresAtMs: uint(), input: value, traceparent }),
  /** The receipt of command `command`, which brought the result. */
  'call.completed': record({ ...ofOp, command: uint(), result: value }),
  'call.failed': record({ ...ofOp, command: uint(), error: value }),
  /** A fact for the cloud. `run` is empty and `n` and `op` are 0 outside runs. */
  'event.emitted': record({ ...ofOp, payload: value }),
  /** The receipt of a command that changed no run. */
  'command.receipt': record({
    ...stamp,
    command: uint(),
    outcome: choice(['applied', 'expired', 'rejected']),
    reason,
    /** Of the call that the command answered. */
    key: text(NAME_LENGTH_MAX),
  }),
  /** The run goes on in a new history with this input; this one has ended. */
  'run.continued': record({ ...ofRun, input: value }),
  'cancel.requested': record({ ...ofRun, reason }),
  /** A step that runs at most once is about to have its effect. */
  'step.started': record({ ...ofOp, attempt: uint() }),
  /** The body of a step has ended; its outcome comes from outside, by the step's token. */
  'step.handed': record({ ...ofOp }),
  /** `child` is the id of the run that was begun. */
  'child.started': record({ ...ofOp, child: name, isDetached: bool() }),
  'child.completed': record({ ...ofOp, child: name, result: value }),
  'child.failed': record({ ...ofOp, child: name, error: value }),
  /** The code took the new way at this place. */
  'patch.marked': record({ ...ofOp }),
  'run.paused': record({ ...ofRun, reason }),
  'run.resumed': record({ ...ofRun }),
  /** A person lets a failed run go on: the outcome of operation `op` is forgotten. */
  'run.retried': record({ ...ofRun, op: uint(), reason }),
  /** Slots of a schedule that were passed over, by its policy. */
  'schedule.skipped': record({
    ...stamp,
    schedule: name,
    count: uint(),
    firstAtMs: uint(),
    lastAtMs: uint(),
  }),
  /**
   * A new life of the journal begins with what is left of the one in `oldEpoch`. `why` tells where
   * that one stood, and which of its seqs are lost.
   */
  'epoch.began': record({
    ...stamp,
    oldEpoch: uint(),
    cause: choice(epochCauses),
    entriesKept: uint(),
    entriesLost: uint(),
    why: reason,
  }),
  /** What the device held on somebody was erased there, sent or not: so many contents. */
  'contents.erased': record({ ...stamp, contents: uint(), bytes: uint() }),
  /**
   * A part of the value of the entry that comes `left` entries later in the lane. `run` is empty
   * and `n` is 0 outside runs.
   */
  'value.part': record({ ...ofRun, left: uint(), part: bytes(ENTRY_BYTES_MAX) }),
} as const;

type Kinds = typeof kinds;
export type EntryKind = keyof Kinds;
export type EntryOf<K extends EntryKind> = { readonly kind: K } & Infer<Kinds[K]>;
export type Entry = { [K in EntryKind]: EntryOf<K> }[EntryKind];

/** What the caller gives; the journal adds the stamp. */
export type EntryBody = { [K in EntryKind]: Omit<EntryOf<K>, keyof typeof stamp> }[EntryKind];
export type Stamp = { readonly [K in keyof typeof stamp]: number };

export const entryKinds = Object.keys(kinds) as readonly EntryKind[];
/** Names of the fields of a kind, in their order. */
export const fieldsOf = (kind: EntryKind): readonly string[] => kinds[kind].names;

const codes = new Map(entryKinds.map((kind, code) => [kind, code]));

/** Canonical text of all kinds, for the fingerprint. */
export const entryShape = entryKinds.map((kind) => `${kind}${kinds[kind].shape}`).join('\n');

/**
 * The bytes that are stored, hashed, sent and kept. They share memory with others that were
 * encoded before and after: who keeps them for long copies them.
 *
 * @throws HF_VALUE_TOO_LARGE above `ENTRY_BYTES_MAX`.
 */
export function encodeEntry(entry: Entry): Uint8Array {
  // Each kind's row writes the entries of that kind.
  const row = kinds[entry.kind] as Pick<RecordSchema<Entry>, 'count' | 'writeItems'>;
  const encoded = encodeNumbered(codes.get(entry.kind) ?? 0, row, entry);
  if (encoded.length > ENTRY_BYTES_MAX) {
    throw new HoldfastError('HF_VALUE_TOO_LARGE', {
      why: `${entry.kind} would take ${encoded.length} bytes, of at most ${ENTRY_BYTES_MAX}`,
    });
  }
  return encoded;
}

const entryBounds = { bytesMax: ENTRY_BYTES_MAX, depthMax: 4, itemsMax: 64 };

/** @throws HF_MESSAGE_INVALID for bytes that are no entry of a known kind. */
export function decodeEntry(encoded: Uint8Array): Entry {
  return takeUsual(encoded, entryBounds, takeEntry) ?? readAnyEntry(encoded);
}

function takeEntry(from: Source): Entry {
  const count = from.array();
  const kind = entryKinds[from.uint()] ?? from.refuse();
  const row = kinds[kind];
  // Of another version.
  if (count !== 1 + row.count) from.refuse();
  return row.takeInto({ kind }, from) as Entry;
}

function readAnyEntry(encoded: Uint8Array): Entry {
  const items = decodeCbor(encoded, entryBounds);
  if (!Array.isArray(items)) throw invalid('the entry', 'is not an array');
  const code: unknown = items.shift();
  const kind = typeof code === 'number' ? entryKinds[code] : undefined;
  if (kind === undefined) throw invalid('the entry', 'is of a kind this version does not know');
  return kinds[kind].readInto({ kind }, items, kind) as Entry;
}

const EVENT_CODE = entryKinds.indexOf('event.emitted');
const PART_CODE = entryKinds.indexOf('value.part');
const EMPTY_TEXT = 0x60;
/** The first three bits of an item say what it is. */
const [UINT_MAJOR, TEXT_MAJOR, ARRAY_MAJOR] = [0, 3, 4];
/** The other five are a number, or say that it takes 1, 2, 4 or 8 bytes more. */
const NUMBER_FOLLOWS = 24;
const NUMBER_BYTES_MAX = 8;

/**
 * Whether these bytes begin as an event outside any run does, or a part of its value. A look at a
 * few bytes instead of decoding them all; it says nothing of what is behind.
 */
export function isEventOutsideRuns(encoded: Uint8Array): boolean {
  const [array = 0] = encoded;
  if (array >> 5 !== ARRAY_MAJOR) return false;
  const code = numberAt(encoded, behindHead(encoded, 0));
  if (code !== EVENT_CODE && code !== PART_CODE) return false;
  return encoded[behindStamp(encoded)] === EMPTY_TEXT;
}

/**
 * The place in the history of its run that an entry of a run says, by a look at its first bytes;
 * `undefined` where it does not begin as such an entry does.
 */
export function placeInRun(encoded: Uint8Array): number | undefined {
  const at = behindStamp(encoded);
  if ((encoded[0] ?? 0) >> 5 !== ARRAY_MAJOR || (encoded[at] ?? 0) >> 5 !== TEXT_MAJOR) {
    return undefined;
  }
  const nAt = behindHead(encoded, at) + numberAt(encoded, at);
  const n = uintAt(encoded, nAt);
  return Number.isSafeInteger(n) ? n : undefined;
}

/**
 * The stamp of an entry, by a look at its first bytes where they begin as an entry does.
 *
 * @throws HF_MESSAGE_INVALID for bytes that are no entry of a known kind.
 */
export function stampIn(encoded: Uint8Array): Stamp {
  const atMsAt = behindHead(encoded, behindHead(encoded, 0));
  const bootAt = behindHead(encoded, atMsAt);
  const atMs = uintAt(encoded, atMsAt);
  const boot = uintAt(encoded, bootAt);
  const monoMs = uintAt(encoded, behindHead(encoded, bootAt));
  const isEntry = (encoded[0] ?? 0) >> 5 === ARRAY_MAJOR;
  const isStamp = Number.isSafeInteger(atMs) && Number.isSafeInteger(boot);
  if (isEntry && isStamp && Number.isSafeInteger(monoMs)) return { atMs, boot, monoMs };
  return decodeEntry(encoded);
}

/** Where the fields begin that come behind the kind and the stamp. */
function behindStamp(encoded: Uint8Array): number {
  let at = behindHead(encoded, 0);
  for (let field = 0; field < 4; field += 1) at = behindHead(encoded, at);
  return at;
}

/** Where an item goes on behind its head; an integer or a float ends there. */
function behindHead(encoded: Uint8Array, at: number): number {
  const info = (encoded[at] ?? 0) & 31;
  return at + (info < NUMBER_FOLLOWS ? 1 : 1 + (1 << (info - NUMBER_FOLLOWS)));
}

/** An unsigned integer; `NaN`: the item is something else. */
function uintAt(encoded: Uint8Array, at: number): number {
  return (encoded[at] ?? 0xff) >> 5 === UINT_MAJOR ? numberAt(encoded, at) : Number.NaN;
}

/** The number in the head of an item; `NaN`: there is none. */
function numberAt(encoded: Uint8Array, at: number): number {
  const info = (encoded[at] ?? Number.NaN) & 31;
  const end = behindHead(encoded, at);
  if (end > encoded.length || end - at > 1 + NUMBER_BYTES_MAX) return Number.NaN;
  if (info < NUMBER_FOLLOWS) return info;
  let number = 0;
  for (let index = at + 1; index < end; index += 1) number = number * 256 + (encoded[index] ?? 0);
  return number;
}
