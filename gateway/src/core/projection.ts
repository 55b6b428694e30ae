import type { Entry, EntryOf, Lane } from '@holdfast/protocol';
import type { Stamp } from './device-clock.ts';
import { tallyKeyOf } from './dispatch-tally.ts';
import { giveAgain, receiptOf } from './given-twice.ts';
import { settleCommand } from './ledger-dispatch.ts';
import type { Draft } from './ledger-draft.ts';
import {
  callKey,
  callKeyKey,
  callPlaceKey,
  commandKey,
  dispatchedKey,
  epochKey,
  newLifeKey,
  ownOrderKey,
  runKey,
  runOrderKey,
} from './ledger-keys.ts';
import {
  callPlaceRow,
  callRow,
  callStateRow,
  epochRow,
  newLifeRow,
  runRow,
  type CallPlace,
  type RunRow,
} from './ledger-rows.ts';
import { forgetOrders, moveRun } from './ledger-runs.ts';
import { codeIn, markOperation, noMarks } from './run-reason.ts';

/** Consecutive entries from a place on. */
export interface Stretch extends Origin {
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly receivedAtMs: number;
}

/** Whose entries are projected. */
export interface Origin {
  readonly device: string;
  readonly epoch: number;
}

type RunEntry = Extract<Entry, { readonly run: string }>;
type CallReceipt = EntryOf<'call.completed'> | EntryOf<'call.failed'>;

const NO_STATUS = new Uint8Array(0);

/** The state that an entry leaves its run in; `undefined`: the same as before. */
const stateAfter: Readonly<Record<RunEntry['kind'], string | undefined>> = {
  'run.started': 'running',
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
  'run.stuck': 'stuck',
  'run.status': undefined,
  'step.completed': 'running',
  'step.failed': 'running',
  'step.retrying': 'retrying',
  'timer.set': 'sleeping',
  'timer.fired': 'running',
  'signal.received': 'running',
  'call.requested': 'waiting-call',
  'call.completed': 'running',
  'call.failed': 'running',
  'event.emitted': undefined,
  'run.continued': 'running',
  'cancel.requested': 'running',
  'step.started': 'running',
  'step.handed': 'waiting-signal',
  'child.started': undefined,
  'child.completed': 'running',
  'child.failed': 'running',
  'patch.marked': undefined,
  'run.paused': 'paused',
  'run.resumed': 'running',
  'run.retried': 'running',
  'value.part': undefined,
};

/** The rows that `projectEntries` will read. */
export function rowsRead(origin: Origin, entries: readonly (Entry | undefined)[]): Uint8Array[] {
  const runs = new Set<string>();
  const keys: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry?.kind === 'epoch.began') keys.push(epochKey(origin.device, origin.epoch));
    const receipt = receiptOf(entry);
    if (receipt !== undefined) keys.push(commandKey(origin.device, receipt.command));
    if (receipt?.kind === 'command.receipt' && receipt.key !== '') {
      keys.push(dispatchedKey(receipt.key, origin.device));
      keys.push(tallyKeyOf(receipt.key, origin.device));
    }
    if (!isOfRun(entry)) continue;
    runs.add(entry.run);
    if (isCallReceipt(entry)) keys.push(callPlaceKey({ ...origin, run: entry.run, op: entry.op }));
    if (entry.kind === 'call.requested') keys.push(callKeyKey({ ...origin, key: entry.key }));
  }
  return [...keys, ...Array.from(runs, (run) => runKey(origin.device, run))];
}

/** What follows from entries beyond what was written. */
export interface Projected {
  /** Calls that are pending now. */
  readonly calls: number;
  /** Highest number of a command of which a receipt is among them; 0: none. */
  readonly lastReceipt: number;
  /** Commands that were given a new number. */
  readonly issued: number;
}

/**
 * Derives from new entries what the ledger says of runs and calls. Takes them in any order between
 * lanes: a call can be here before the start of its run.
 *
 * @param isAgain What receipts did to commands stays as it is.
 */
export function projectEntries(
  draft: Draft,
  { lane, seqFirst, device, epoch, receivedAtMs }: Stretch,
  entries: readonly (Entry | undefined)[],
  { isAgain = false }: { readonly isAgain?: boolean } = {},
): Projected {
  const origin = { device, epoch };
  const runs = new Map<string, { readonly row: RunRow; readonly before: RunRow | undefined }>();
  let calls = 0;
  let lastReceipt = 0;
  let issued = 0;
  for (const [index, entry] of entries.entries()) {
    const place = { lane, seq: seqFirst + index };
    const receipt = receiptOf(entry);
    if (receipt !== undefined) {
      lastReceipt = Math.max(lastReceipt, receipt.command);
      if (!isAgain && giveAgain(draft, device, receipt)) issued += 1;
      if (!isAgain && receipt.kind === 'command.receipt') {
        settleCommand(draft, device, receipt, receivedAtMs);
      }
    }
    if (entry?.kind === 'epoch.began') noteBeginning(draft, origin, entry);
    if (!isOfRun(entry)) continue;
    const folded = runs.get(entry.run);
    const before = folded?.before ?? draft.get(runKey(origin.device, entry.run), runRow);
    const known = folded?.row ?? before;
    const isNew = known === undefined || isNewLife(known, origin, entry);
    const row = isNew ? begin(draft, origin, entry, known) : known;
    runs.set(entry.run, { row: { ...foldRun(row, entry, place), receivedAtMs }, before });
    if (entry.kind === 'call.requested' && openCall(draft, { ...origin, ...place }, entry)) {
      calls += 1;
    }
    if (isCallReceipt(entry)) closeCall(draft, origin, entry);
  }
  for (const { row, before } of runs.values()) {
    moveRun(draft, row, before);
    draft.put(runKey(row.device, row.run), runRow.encode(row));
  }
  return { calls, lastReceipt, issued };
}

/** What a device tells of the beginning of the life that it is in. */
function noteBeginning(draft: Draft, origin: Origin, entry: EntryOf<'epoch.began'>): void {
  const key = epochKey(origin.device, origin.epoch);
  const began = draft.get(key, epochRow);
  if (began === undefined) return;
  const { cause, oldEpoch, why } = entry;
  draft.put(key, epochRow.encode({ ...began, cause, oldEpoch, why }));
  const { epoch } = origin;
  draft.put(newLifeKey(began.beganAtMs, origin.device), newLifeRow.encode({ epoch, cause }));
  const record = draft.device(origin.device);
  if (record === undefined || record.epoch !== origin.epoch) return;
  draft.setDevice({ ...record, began: { ...record.began, cause } });
}

/** Facts outside runs name none. */
function isOfRun(entry: Entry | undefined): entry is RunEntry {
  return entry !== undefined && 'run' in entry && entry.run !== '';
}

function isCallReceipt(entry: RunEntry): entry is CallReceipt {
  return entry.kind === 'call.completed' || entry.kind === 'call.failed';
}

/** Whether the id of an earlier run is used again: after its retention, or in a new journal. */
function isNewLife(row: RunRow, origin: Origin, entry: RunEntry): boolean {
  if (row.epoch !== origin.epoch) return true;
  return entry.kind === 'run.started' && row.uid !== '' && row.uid !== entry.uid;
}

function begin(draft: Draft, origin: Origin, entry: RunEntry, earlier?: RunRow): RunRow {
  if (earlier !== undefined) forgetOrders(draft, earlier);
  const ordinal = draft.nextOrdinal();
  const key = runKey(origin.device, entry.run);
  draft.put(runOrderKey(ordinal), key);
  draft.put(ownOrderKey(origin.device, ordinal), key);
  return {
    ...origin,
    run: entry.run,
    ordinal,
    uid: '',
    workflow: '',
    state: 'running',
    stateN: 0,
    status: NO_STATUS,
    statusN: 0,
    statusLane: 'normal',
    statusSeq: 0,
    started: stampOf(entry),
    updated: stampOf(entry),
    entries: 0,
    receivedAtMs: 0,
    ...noMarks,
  };
}

function stampOf({ atMs, boot, monoMs }: Entry): Stamp {
  return { atMs, boot, monoMs };
}

interface PlaceInLane {
  readonly lane: Lane;
  readonly seq: number;
}

function foldRun(row: RunRow, entry: RunEntry, { lane, seq }: PlaceInLane): RunRow {
  const started = entry.kind === 'run.started';
  const state = stateAfter[entry.kind];
  const isLater = entry.n >= row.stateN;
  // The history begins anew, and so does the count of what is in it.
  const stateN = entry.kind === 'run.continued' ? 0 : entry.n;
  const isStatus = entry.kind === 'run.status' && entry.n >= row.statusN;
  return {
    ...row,
    ...(started && { uid: entry.uid, workflow: entry.workflow, started: stampOf(entry) }),
    ...(isLater && state !== undefined && { state, stateN, code: codeIn(entry) }),
    ...markOperation(row, entry),
    ...(isStatus && { status: entry.status, statusN: entry.n, statusLane: lane, statusSeq: seq }),
    updated: isLater ? stampOf(entry) : row.updated,
    entries: row.entries + 1,
  };
}

/** `false`: a call with this key was there already. */
function openCall(
  draft: Draft,
  origin: Origin & PlaceInLane,
  entry: EntryOf<'call.requested'>,
): boolean {
  const { run, op, key } = entry;
  if (draft.get(callKeyKey({ ...origin, key }), callStateRow) !== undefined) return false;
  const ordinal = draft.nextOrdinal();
  const call = {
    ...origin,
    run,
    op,
    key,
    service: entry.name,
    input: entry.input,
    requested: stampOf(entry),
    expiresAtMs: entry.expiresAtMs,
    traceparent: entry.traceparent,
  };
  draft.put(callKey('call', { service: call.service, ordinal }), callRow.encode(call));
  draft.put(callKeyKey(call), callStateRow.encode({ ordinal, answered: 0 }));
  draft.put(callPlaceKey(call), callPlaceRow.encode({ ordinal, key, service: entry.name }));
  return true;
}

/** The device has the outcome, from here or because it stopped waiting: nothing is pending. */
function closeCall(draft: Draft, origin: Origin, entry: CallReceipt): void {
  const place = { ...origin, run: entry.run, op: entry.op };
  const open = draft.get(callPlaceKey(place), callPlaceRow);
  if (open !== undefined) settleCall(draft, place, open);
}

/** Makes a call one that has its result. */
export function settleCall(
  draft: Draft,
  place: Origin & { readonly run: string; readonly op: number },
  open: CallPlace,
): void {
  const { ordinal, key } = open;
  draft.delete(callKey('call', open));
  draft.delete(callKey('parked', open));
  draft.delete(callPlaceKey(place));
  draft.put(callKeyKey({ ...place, key }), callStateRow.encode({ ordinal, answered: 1 }));
}
