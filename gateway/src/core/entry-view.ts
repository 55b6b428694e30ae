import { displayValue, type Entry } from '@holdfast/protocol';
import type { EntryView, HoleView, RunView } from './fleet-views.ts';
import type { LedgerEntry, LedgerHole, LedgerRun } from './ledger.ts';

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

export function entryView(stored: LedgerEntry): EntryView {
  const { lane, epoch, seq, receivedAtMs, bytes, entry } = stored;
  return {
    lane,
    epoch,
    seq,
    receivedAt: rfc3339(receivedAtMs),
    bytes: bytes.byteLength,
    kind: entry?.kind ?? null,
    ...(entry === undefined ? {} : fieldViews(entry)),
  };
}

export function holeView(hole: LedgerHole): HoleView {
  const { lane, epoch, seqFirst, seqLast, reason, bytes } = hole;
  const firstAt = rfc3339(hole.firstAtMs);
  const lastAt = rfc3339(hole.lastAtMs);
  const receivedAt = rfc3339(hole.receivedAtMs);
  return { lane, epoch, seqFirst, seqLast, reason, bytes, firstAt, lastAt, receivedAt };
}

export function runView(run: LedgerRun): RunView {
  return {
    id: run.run,
    device: run.device,
    workflow: run.workflow,
    state: run.state,
    status: displayOf(run.status),
    startedAt: rfc3339(run.startedAtMs),
    updatedAt: rfc3339(run.updatedAtMs),
    entries: run.entries,
  };
}

/** `atMs` becomes `at`, as every name that ends like it; encoded values become readable. */
function fieldViews(entry: Entry): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(entry)) {
    if (field instanceof Uint8Array) fields[name] = valueFields.has(name) ? displayOf(field) : null;
    else if (typeof field === 'number' && /(^a|A)tMs$/.test(name)) {
      fields[name.slice(0, -2)] = rfc3339(field);
    } else fields[name] = field;
  }
  return fields;
}

function displayOf(encoded: Uint8Array): unknown {
  return encoded.byteLength === 0 ? null : displayValue(encoded);
}
