import {
  NO_BYTES,
  chainStart,
  eachLane,
  equalBytes,
  keyNameOf,
  laneIndex,
  unreachable,
  type Command,
  type Sha256,
} from '@holdfast/protocol';
import type { CallResult, PendingCall } from './call.ts';
import { withSample, type BootSample } from './device-clock.ts';
import { noteFirstKey, replaceKey } from './device-keys.ts';
import { joinBatch, type PreparedBatch } from './ingest.ts';
import { encodeBlock } from './ledger-block.ts';
import { takeContents } from './ledger-contents.ts';
import type { Draft } from './ledger-draft.ts';
import { erasedError } from './ledger-erase.ts';
import {
  answerKey,
  blockKey,
  callKeyKey,
  clockKey,
  commandKey,
  contentKey,
  epochKey,
  positionKey,
} from './ledger-keys.ts';
import {
  callStateRow,
  clockRow,
  commandRow,
  contentRow,
  epochRow,
  positionRow,
} from './ledger-rows.ts';
import type {
  DeviceRecord,
  IngestBatch,
  IngestOutcome,
  Ledger,
  LanePosition,
} from './ledger.ts';
import { projectEntries, settleCall } from './projection.ts';

/** Far beyond any real number, and far from where counting ends. */
const COMMAND_NUMBER_MAX = 2 ** 48;

type Greeting = Parameters<Ledger['greet']>[0];

/** Registers a device or a later epoch of it. */
export function greetDevice(draft: Draft, greeting: Greeting, sha256: Sha256): DeviceRecord {
  const { device, epoch, publicKey, atMs } = greeting;
  const known = heardBy(draft, greeting, sha256);
  // Whoever holds another key is another device: nothing it says counts.
  if (known !== undefined && !equalBytes(known.publicKey, publicKey)) return known;
  if (known === undefined) {
    noteFirstKey(draft, { device, key: keyNameOf(sha256, publicKey), atMs });
  }
  const applied = Math.min(greeting.lastCommand ?? 0, COMMAND_NUMBER_MAX);
  const lastCommand = Math.max(applied, known?.lastCommand ?? 0);
  if (known !== undefined && epoch <= known.epoch) {
    const record = { ...known, lastCommand };
    if (lastCommand > known.lastCommand) draft.setDevice(record);
    return record;
  }
  const lanes = eachLane((lane): LanePosition => ({
    watermark: 0,
    hash: chainStart(sha256, { device, epoch, lane }),
  }));
  const record: DeviceRecord = {
    device,
    epoch,
    publicKey,
    awaitedKey: known?.awaitedKey ?? '',
    revokedKey: known?.revokedKey ?? NO_BYTES,
    began: { atMs, cause: '' },
    firstSeenAtMs: known?.firstSeenAtMs ?? atMs,
    lanes,
    lastCommand,
    // What an earlier life has applied, this one has not, unless it says so.
    lastReceipt: applied,
    tags: known?.tags ?? [],
    holes: { count: 0, entries: 0, bytes: 0 },
  };
  draft.setDevice(record);
  const began = { epoch, beganAtMs: atMs, machine: greeting.machine ?? NO_BYTES };
  const told = { cause: '', oldEpoch: known?.epoch ?? 0, why: '' };
  draft.put(epochKey(device, epoch), epochRow.encode({ ...began, ...told }));
  for (const lane of ['urgent', 'normal', 'bulk'] as const) {
    const position = lanes[laneIndex(lane)];
    draft.put(positionKey({ device, epoch, lane }), positionRow.encode(position));
  }
  return record;
}

/** The device as it is known now that it greets, maybe with the key that was awaited. */
function heardBy(draft: Draft, greeting: Greeting, sha256: Sha256): DeviceRecord | undefined {
  const { device, publicKey, atMs } = greeting;
  const known = draft.device(device);
  if (known === undefined || known.awaitedKey === '') return known;
  if (keyNameOf(sha256, publicKey) !== known.awaitedKey) return known;
  const record = replaceKey(draft, known, { publicKey, atMs, sha256 });
  draft.setDevice(record);
  return record;
}

/**
 * Takes what is new of a batch.
 *
 * @param heldHash The stored hash at the batch's last seq, where all of it lies below the
 *   watermark; `undefined` when it was not looked up.
 */
export function ingestBatch(
  draft: Draft,
  prepared: PreparedBatch,
  heldHash: Uint8Array | undefined,
): IngestOutcome {
  const { device, lane } = prepared.batch;
  const record = draft.device(device);
  if (record === undefined || !isHeardBy(record, prepared.batch)) return { kind: 'unknown' };
  const position = record.lanes[laneIndex(lane)];
  const nothing = { fresh: 0, calls: 0, issued: 0, lastReceipt: record.lastReceipt };
  const join = joinBatch(position, prepared);
  switch (join.kind) {
    case 'gap':
      return { kind: 'gap', position };
    case 'forked':
      return { kind: 'forked', position };
    case 'held':
      return { kind: 'committed', position, ...nothing };
    case 'below':
      return heldHash === undefined || equalBytes(heldHash, join.hash)
        ? { kind: 'committed', position, ...nothing }
        : { kind: 'forked', position };
    case 'fresh':
      return writeFresh(draft, prepared, join);
    default:
      return unreachable(join);
  }
}

/** Whether something is of the life, and signed by the key, that a device is known by. */
export function isHeardBy(
  record: DeviceRecord,
  { epoch, publicKey }: Pick<IngestBatch, 'epoch' | 'publicKey'>,
): boolean {
  if (publicKey !== undefined && !equalBytes(publicKey, record.publicKey)) return false;
  return record.epoch === epoch;
}

function writeFresh(
  draft: Draft,
  prepared: PreparedBatch,
  join: { readonly from: number; readonly position: LanePosition },
): IngestOutcome {
  const { batch, hashes, entries } = prepared;
  const { device, epoch, lane } = batch;
  const { from, position } = join;
  const fresh = batch.entries.slice(from).map((bytes, index) => ({
    bytes,
    hash: hashes[from + index] ?? NO_BYTES,
  }));
  const block = encodeBlock({
    receivedAtMs: batch.receivedAtMs,
    previousHash: from === 0 ? batch.previousHash : (hashes[from - 1] ?? NO_BYTES),
    entries: fresh,
  });
  draft.put(blockKey({ device, epoch, lane }, batch.seqFirst + from), block);
  draft.advance(device, lane, position);

  const fresher = prepared.contents.filter(({ index }) => index >= from);
  takeContents(draft, { chain: { device, epoch, lane }, seqFirst: batch.seqFirst }, fresher);
  const { receivedAtMs } = batch;
  const at = { device, epoch, lane, seqFirst: batch.seqFirst + from, receivedAtMs };
  const found = projectEntries(draft, at, entries.slice(from));
  const record = draft.device(device);
  const lastReceipt = Math.max(record?.lastReceipt ?? 0, found.lastReceipt);
  if (record !== undefined && lastReceipt > record.lastReceipt) {
    draft.setDevice({ ...record, lastReceipt });
  }
  const { calls, issued } = found;
  return { kind: 'committed', position, fresh: fresh.length, calls, issued, lastReceipt };
}

/** Records the result of a call and issues the command that carries it. */
export function completeCall(
  draft: Draft,
  call: PendingCall,
  result: CallResult,
): Command | undefined {
  const state = draft.get(callKeyKey(call), callStateRow);
  const record = draft.device(call.device);
  if (state === undefined || state.answered === 1 || record === undefined) return undefined;
  const input = draft.get(contentKey(call), contentRow);
  const number = record.lastCommand + 1;
  const { kind, payload } =
    // What it was about was erased while its handler was at work.
    input?.state === 'erased' ? ({ kind: 'call.failed', payload: erasedError() } as const) : result;
  const { run, op, key } = call;
  const command: Command = { number, kind, expiresAtMs: 0, run, op, key, payload, name: '' };
  if (input?.state === 'held') draft.put(answerKey(input.subject, call.device, number), NO_BYTES);
  settleCall(draft, call, { ordinal: state.ordinal, key: call.key, service: call.service });
  draft.setDevice({ ...record, lastCommand: command.number });
  draft.put(commandKey(call.device, command.number), commandRow.encode(command));
  return command;
}

/** Keeps what a comparison of clocks tells beyond what is known of that boot. */
export function noteClock(
  draft: Draft,
  boot: { readonly device: string; readonly epoch: number },
  { boot: number, ...sample }: BootSample,
): void {
  const key = clockKey(boot.device, boot.epoch, number);
  const known = draft.get(key, clockRow) ?? [];
  const samples = withSample(known, sample);
  if (samples !== known) draft.put(key, clockRow.encode(samples));
}
