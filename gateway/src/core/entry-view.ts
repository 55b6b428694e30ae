import { displayValue, hex, lanes, type Entry } from '@holdfast/protocol';
import { clockFlags, trueTime, type DeviceClocks, type TrueTime } from './device-clock.ts';
import type { EpochView, KeyView } from './device-views.ts';
import type { EntryView, HoleView, RunView } from './fleet-views.ts';
import type { LedgerEntry, LedgerEpoch, LedgerHole } from './ledger.ts';
import type { LedgerRun } from './run-ledger.ts';
import type { LedgerKey } from './key-ledger.ts';

/** The last moment that a Date can hold; a device may claim later ones. */
const DATE_MS_MAX = 8.64e15;

/** RFC 3339, in UTC; `null` for 0, for nothing, and for what no calendar has. */
export function rfc3339(atMs: number | undefined): string | null {
  if (atMs === undefined || !(atMs > 0 && atMs <= DATE_MS_MAX)) return null;
  return new Date(atMs).toISOString();
}

/** Fields of entries that hold encoded values. */
const valueFields: ReadonlySet<string> = new Set([
  'input',
  'output',
  'result',
  'payload',
  'status',
  'error',
]);

export function entryView(stored: LedgerEntry, clocks: DeviceClocks): EntryView {
  const { lane, epoch, seq, receivedAtMs, bytes, entry } = stored;
  const time = entry && trueTime(clocks, entry, receivedAtMs);
  return {
    lane,
    epoch,
    seq,
    receivedAt: rfc3339(receivedAtMs),
    bytes: bytes.byteLength,
    kind: entry?.kind ?? null,
    ...(entry === undefined || time === undefined ? {} : fieldViews(entry, time)),
  };
}

export function holeView(hole: LedgerHole): HoleView {
  const { lane, epoch, seqFirst, seqLast, reason, bytes } = hole;
  const firstAt = rfc3339(hole.firstAtMs);
  const lastAt = rfc3339(hole.lastAtMs);
  const receivedAt = rfc3339(hole.receivedAtMs);
  return { lane, epoch, seqFirst, seqLast, reason, bytes, firstAt, lastAt, receivedAt };
}

export function epochView(epoch: LedgerEpoch): EpochView {
  const { machine, cause, oldEpoch, why } = epoch;
  return {
    epoch: epoch.epoch,
    beganAt: rfc3339(epoch.beganAtMs),
    machine: machine.byteLength === 0 ? null : hex(machine),
    cause: cause === '' ? null : cause,
    oldEpoch: oldEpoch === 0 ? null : oldEpoch,
    why,
    lanes: lanes.map((lane, index) => ({ lane, watermark: epoch.lanes[index]?.watermark ?? 0 })),
  };
}

export function keyView(known: LedgerKey): KeyView {
  const { key, sinceAtMs, acceptedAtMs, revokedAtMs, certificateToMs } = known;
  const [since, acceptedAt] = [rfc3339(sinceAtMs), rfc3339(acceptedAtMs)];
  const certificateTo = rfc3339(certificateToMs);
  return { key, since, acceptedAt, revokedAt: rfc3339(revokedAtMs), certificateTo };
}

export function runView(run: LedgerRun, clocks: DeviceClocks): RunView {
  const [started, updated] = [trueTime(clocks, run.started), trueTime(clocks, run.updated)];
  return {
    id: run.run,
    device: run.device,
    workflow: run.workflow,
    state: run.state,
    reason: reasonView(run.reason),
    status: displayOf(run.status),
    startedAt: rfc3339(started.atMs),
    updatedAt: rfc3339(updated.atMs),
    clock: clockFlags.findLast((flag) => [started.clock, updated.clock].includes(flag)) ?? 'ok',
    entries: run.entries,
  };
}

function reasonView(reason: LedgerRun['reason']): RunView['reason'] {
  if (reason === undefined) return null;
  const { code, step } = reason;
  return { code: code === '' ? null : code, step: step === '' ? null : step };
}

/** Fields that the device worked out from the time it held for the present. */
const followingFields: ReadonlySet<string> = new Set(['dueAtMs', 'nextAtMs', 'expiresAtMs']);

/**
 * `atMs` becomes `at`, as every name that ends like it, and true; encoded values become readable.
 */
function fieldViews(entry: Entry, time: TrueTime): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const byMs = time.atMs - entry.atMs;
  for (const [name, field] of Object.entries(entry)) {
    if (field instanceof Uint8Array) fields[name] = valueFields.has(name) ? displayOf(field) : null;
    else if (typeof field === 'number' && /(^a|A)tMs$/.test(name)) {
      const isFollowing = followingFields.has(name) && field > 0;
      fields[name.slice(0, -2)] = rfc3339(isFollowing ? field + byMs : field);
    } else fields[name] = field;
  }
  return { ...fields, ...clockFields(entry, time) };
}

function clockFields(entry: Entry, time: TrueTime): Record<string, unknown> {
  const { clock, atMs, notBeforeMs, notAfterMs } = time;
  const at = { at: rfc3339(atMs), clock };
  if (clock === 'ok') return at;
  const deviceAt = rfc3339(entry.atMs);
  if (clock === 'corrected') return { ...at, deviceAt };
  return { ...at, deviceAt, notBefore: rfc3339(notBeforeMs), notAfter: rfc3339(notAfterMs) };
}

function displayOf(encoded: Uint8Array): unknown {
  return encoded.byteLength === 0 ? null : displayValue(encoded);
}
