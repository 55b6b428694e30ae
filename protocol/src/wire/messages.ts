import { NAME_LENGTH_MAX } from '../base/names.ts';
import {
  bytes,
  choice,
  list,
  openChoice,
  orBytes,
  perLane,
  prose,
  record,
  text,
  uint,
  type Infer,
} from '../base/schema.ts';
import { ENTRY_BYTES_MAX } from './entry.ts';
import { HASH_BYTES, lanes } from './lanes.ts';

/** Bytes of one MQTT payload: what every broker in use takes. */
export const MESSAGE_BYTES_MAX = 60 * 1024;
export const BATCH_ENTRIES_MAX = 1_024;
/** Bytes of the entries of a batch before compression: what a receiver must be ready to hold. */
export const BATCH_PLAIN_BYTES_MAX = 512 * 1024;
export const COMMANDS_MAX = 64;
/** By which a message is known: they are of its signature. */
export const TAIL_BYTES = 8;
/** Ranges of seqs that an ack names. */
export const KEPT_MAX = 16;
export const MACHINE_BYTES_MAX = 32;
/** Of a hello that only tries the way: no journal is in it. */
export const TRIAL_EPOCH = 0;

const hash = bytes(HASH_BYTES, true);
const identifier = bytes(8, true);
const publicKey = bytes(256);
const lane = choice(lanes);

/** Device to gateway, first in every session: who I am and what I have. */
export const hello = record({
  protocolMin: uint(0xffff),
  protocolMax: uint(0xffff),
  device: text(64),
  epoch: uint(),
  /** Chosen at each start of the agent: tells two agents with one identity apart. */
  incarnation: identifier,
  /** Chosen for each connection; the welcome repeats it. */
  session: identifier,
  agentVersion: text(32),
  /** SubjectPublicKeyInfo, DER. */
  publicKey,
  /** Highest seq journaled, highest acknowledged, and the chain's hash at both. */
  lanes: perLane(record({ head: uint(), headHash: hash, acked: uint(), ackedHash: hash })),
  /** Number of the last command applied; 0: none yet. */
  lastCommand: uint(),
  sentAtMs: uint(),
  /** Tells the machine from others; empty: not known. */
  machine: bytes(MACHINE_BYTES_MAX),
  /** With `sentAtMs`, one moment by two clocks. */
  boot: uint(),
  monoMs: uint(),
});

/** Gateway to device: what the ledger holds, and how to send. */
export const welcome = record({
  protocol: uint(0xffff),
  session: identifier,
  gateway: text(64),
  publicKey,
  nowMs: uint(),
  /**
   * `rewound`: the ledger has what the device has not. `forked`: the chains differ at what both had
   * agreed on.
   */
  lanes: perLane(record({ watermark: uint(), hash, verdict: choice(['ok', 'rewound', 'forked']) })),
  batchBytesMax: uint(),
  /** Batches that may be on their way unacknowledged. */
  inflightMax: uint(1_024),
  reportEveryMs: uint(),
  /** A device waits a random part of this before it connects again. */
  reconnectSpreadMs: uint(),
  /** The highest epoch of the device that the ledger knows. */
  epoch: uint(),
});

/** Device to gateway: entries `seqFirst … seqFirst + count - 1` of one lane, in order. */
export const batch = record({
  epoch: uint(),
  lane,
  seqFirst: uint(),
  count: uint(BATCH_ENTRIES_MAX),
  /** The chain's hash before the first entry. */
  previousHash: hash,
  encoding: choice(['plain', 'deflate']),
  /** Size of `payload` once it is inflated. */
  plainBytes: uint(BATCH_PLAIN_BYTES_MAX),
  /** A CBOR array of what `batchEntries` says, maybe as raw deflate. */
  payload: bytes(MESSAGE_BYTES_MAX),
  /** The chain's hash at the last entry. */
  hash,
});

/** An entry with the content that its value, which is erasable, has sealed. */
const carried = record({
  entry: bytes(ENTRY_BYTES_MAX),
  /** Whom it is about: it is found and erased by this. */
  subject: text(NAME_LENGTH_MAX),
  salt: bytes(HASH_BYTES, true),
  content: bytes(ENTRY_BYTES_MAX),
});
export type CarriedEntry = Infer<typeof carried>;

/** An entry as it travels: its bytes, or these and what goes with them. */
export type BatchItem = Uint8Array | CarriedEntry;

/** The bytes that are hashed. */
export function entryOf(item: BatchItem): Uint8Array {
  return item instanceof Uint8Array ? item : item.entry;
}

/** The payload of a batch. */
export const batchEntries = list(orBytes(bytes(ENTRY_BYTES_MAX), carried), BATCH_ENTRIES_MAX);

/** What the payload of a batch may be made of: a list of records of four, and nothing in these. */
export const batchBounds = {
  bytesMax: BATCH_PLAIN_BYTES_MAX,
  depthMax: 3,
  itemsMax: 1 + 5 * BATCH_ENTRIES_MAX,
};

/** Gateway to device: through `watermark` all is durable in the ledger. */
export const ack = record({
  epoch: uint(),
  lane,
  watermark: uint(),
  hash,
  /** A batch came that does not join on: resume with this seq. 0: nothing is missing. */
  missingFrom: uint(),
  /** Do not send for this long. 0: go on. */
  slowMs: uint(),
  /** Behind what is missing, what the gateway keeps for a while: it need not be sent again. */
  kept: list(record({ seqFirst: uint(), seqLast: uint() }), KEPT_MAX),
});

/** Device to gateway, not journaled: the present, while history drains. */
export const report = record({
  epoch: uint(),
  atMs: uint(),
  agentVersion: text(32),
  lanes: perLane(record({ head: uint(), acked: uint(), backlogBytes: uint(), oldestAtMs: uint() })),
  runs: list(record({ state: text(32), count: uint() }), 16),
  /** With `atMs`, one moment by two clocks, as in the hello. */
  boot: uint(),
  monoMs: uint(),
});

/** What a command can be, by the word for it. The position is its number on the wire. */
export const commandKinds = [
  'call.completed',
  'call.failed',
  'run.start',
  'run.signal',
  'run.cancel',
  'run.pause',
  'run.resume',
  'run.retry',
  'step.skip',
  'step.complete',
  'step.fail',
  'config.set',
  'void',
  'run.fork',
  'key.rotate',
] as const;

/** One durable instruction. Numbered without gaps for each device, from 1. */
export const command = record({
  number: uint(),
  kind: openChoice(commandKinds),
  /** Judged by the device's clock; 0: never. */
  expiresAtMs: uint(),
  /** Empty where it is about none. */
  run: text(NAME_LENGTH_MAX),
  op: uint(),
  /** The idempotency key of the call that this answers; of others, what was issued together. */
  key: text(NAME_LENGTH_MAX),
  /** An encoded value: the result, the error, the input, the reason, the setting. */
  payload: bytes(ENTRY_BYTES_MAX),
  /** Of the workflow, the signal, the step or the setting; a step's token; empty: of nothing. */
  name: text(NAME_LENGTH_MAX),
});

/** Gateway to device: commands in the order of their numbers. */
export const commands = record({ commands: list(command, COMMANDS_MAX) });

/** Either way: a message was not taken, and why. */
export const refusal = record({
  code: text(64),
  why: prose(512),
  retryAfterMs: uint(),
  /** The last bytes of the message that is refused, `TAIL_BYTES` of them; empty: of none. */
  of: bytes(TAIL_BYTES),
});

/** Why entries will never come, by the word for it. */
export const holeReasons = ['shed', 'damaged', 'trimmed', 'oversize', 'refused'] as const;

/** Device to gateway: entries `seqFirst … seqLast` of one lane will never come. */
export const hole = record({
  epoch: uint(),
  lane,
  seqFirst: uint(),
  seqLast: uint(),
  /** The chain's hash before the first of them, and at the last. */
  previousHash: hash,
  hash,
  /**
   * `shed`: the budget of the journal did not hold them. `damaged`: they cannot be read any more.
   * `trimmed`: they were kept for as long as they had to be. `oversize`: no message carries them.
   */
  reason: choice(holeReasons),
  /** Size of these entries; 0: not known. */
  bytes: uint(),
  /** `atMs` of the first and of the last of them; 0: not known. */
  firstAtMs: uint(),
  lastAtMs: uint(),
});

/** Every message, by the word for it. The position is its number on the wire. */
export const messages = { hello, welcome, batch, ack, report, commands, refusal, hole } as const;

export type Hello = Infer<typeof hello>;
export type Welcome = Infer<typeof welcome>;
export type Batch = Infer<typeof batch>;
export type Ack = Infer<typeof ack>;
export type Report = Infer<typeof report>;
export type Command = Infer<typeof command>;
export type CommandKind = (typeof commandKinds)[number];
export type Commands = Infer<typeof commands>;
export type Refusal = Infer<typeof refusal>;
export type Hole = Infer<typeof hole>;
export type HoleReason = Hole['reason'];

export type MessageKind = keyof typeof messages;
export type Message = {
  [K in MessageKind]: { readonly kind: K } & Infer<(typeof messages)[K]>;
}[MessageKind];
export type LaneVerdict = Welcome['lanes'][number]['verdict'];
