import {
  HoldfastError,
  decodeEntry,
  decodeValue,
  displayValue,
  eachLane,
  lanes,
  messageOf,
  type Entry,
  type Lane,
  type PerLane,
} from '@holdfast/protocol';
import type { Journal, StoredEntry } from './journal.ts';
import { Progress, type Standing } from './progress.ts';
import type { Run } from './run.ts';
import type { RunRecord } from './run-record.ts';
import type { HistoryEntry, RunStore } from './run-store.ts';
import {
  finalStates,
  type HistoryRow,
  type JournalRow,
  type JournalView,
  type LaneBacklog,
  type RunState,
  type RunDetailView,
  type RunView,
  type RunsView,
} from './views.ts';

/** Reads views out of a journal and its runs; works for a stopped agent's store too. */
export class Inspector {
  readonly #journal: Journal;
  readonly #store: RunStore;
  /** The run in memory, where an agent is at work. */
  readonly #resident: (number: number) => Run | undefined;

  constructor(parts: {
    readonly journal: Journal;
    readonly store: RunStore;
    readonly resident: (number: number) => Run | undefined;
  }) {
    this.#journal = parts.journal;
    this.#store = parts.store;
    this.#resident = parts.resident;
  }

  /** `sent`: what the uplink has handed to the broker in this session. */
  lanes(sent: PerLane<number>, oldestAtMs: PerLane<number>): readonly LaneBacklog[] {
    const positions = this.#journal.positions();
    return lanes.map((lane, index) => {
      const { head, acked } = positions[index] ?? { head: 0, acked: 0 };
      const oldest = oldestAtMs[index] ?? 0;
      return {
        ...{ lane, head, acked, sent: Math.max(acked, sent[index] ?? 0) },
        pending: head - acked,
        bytes: this.#journal.backlogBytes(lane),
        oldestAt: head > acked && oldest > 0 ? time(oldest) : null,
      };
    });
  }

  /** When the oldest pending entry of each lane was journaled, ms since 1970; 0: none is. */
  async oldestAtMs(): Promise<PerLane<number>> {
    const positions = this.#journal.positions();
    const [urgent, normal, bulk] = await Promise.all(
      eachLane(async (lane) => {
        const { acked } = positions[lanes.indexOf(lane)] ?? { acked: 0 };
        const [stored] = await this.#journal.entries(lane, acked + 1, 1);
        return stored === undefined ? 0 : (readEntry(stored)?.atMs ?? 0);
      }),
    );
    return [urgent, normal, bulk];
  }

  /** Numbers of runs by state, counted in the store. */
  async counts(): Promise<Partial<Record<RunState, number>>> {
    const counts: Partial<Record<RunState, number>> = {};
    for (const table of ['o', 'f'] as const) {
      for await (const { number, record } of this.#store.records(table)) {
        if (record.isContinued) continue;
        const { state } = (await this.#lookAt(number, record)).standing;
        counts[state] = (counts[state] ?? 0) + 1;
      }
    }
    return counts;
  }

  async runs(query: { readonly all: boolean; readonly limit: number }): Promise<RunsView> {
    const runs: { readonly number: number; readonly view: RunView }[] = [];
    for (const table of query.all ? (['o', 'f'] as const) : (['o'] as const)) {
      let count = 0;
      for await (const { number, record } of this.#store.records(table, true)) {
        if (count >= query.limit) break;
        if (record.isContinued) continue;
        count += 1;
        runs.push({ number, view: await this.#runView(number, record) });
      }
    }
    runs.sort((a, b) => b.number - a.number);
    const views = runs.slice(0, query.limit).map(({ view }) => view);
    return { schema: 'holdfast.runs/1', device: this.#journal.device, runs: views };
  }

  /** @throws HF_RUN_UNKNOWN */
  async run(id: string): Promise<RunDetailView> {
    const number = await this.#store.numberOf(id);
    const record = number === undefined ? undefined : await this.#store.record(number);
    if (number === undefined || record === undefined) {
      throw new HoldfastError('HF_RUN_UNKNOWN', { why: id });
    }
    const history = await this.#store.history(number);
    const first = history[0]?.entry;
    return {
      schema: 'holdfast.run/1',
      ...(await this.#runView(number, record)),
      ...endOf(history),
      input: first?.kind === 'run.started' ? displayValue(first.input) : null,
      history: history.map((row) => this.#historyRow(row)),
    };
  }

  /** The output of a run that has completed. @throws what it failed with, HF_RUN_CANCELLED. */
  async result(number: number): Promise<unknown> {
    const history = await this.#store.history(number);
    const last = history.at(-1)?.entry;
    if (last?.kind === 'run.completed') return decodeValue(last.output);
    if (last?.kind === 'run.failed') {
      const cause = decodeValue(last.error);
      throw new HoldfastError('HF_RUN_FAILED', { why: messageOf(cause), cause });
    }
    if (last?.kind === 'run.cancelled') {
      throw new HoldfastError('HF_RUN_CANCELLED', { why: last.reason });
    }
    throw new HoldfastError('HF_RUN_UNKNOWN', { why: 'it has not ended' });
  }

  async journal(query: {
    readonly lane?: Lane | undefined;
    readonly after?: number | undefined;
    readonly limit: number;
  }): Promise<JournalView> {
    const chosen = query.lane === undefined ? lanes : [query.lane];
    const rows: JournalRow[] = [];
    for (const lane of chosen) {
      const { head, acked } = this.#journal.positions()[lanes.indexOf(lane)] ?? {
        head: 0,
        acked: 0,
      };
      const first = (query.after ?? Math.max(0, head - query.limit)) + 1;
      const stored = await this.#journal.entries(lane, first, query.limit);
      rows.push(...stored.map((each) => journalRow(lane, each, each.seq <= acked)));
    }
    rows.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq));
    const { device, epoch } = this.#journal;
    return { schema: 'holdfast.journal/1', device, epoch, rows: rows.slice(-query.limit) };
  }

  async #runView(number: number, record: RunRecord): Promise<RunView> {
    const { standing, status, updatedAtMs } = await this.#lookAt(number, record);
    return {
      id: record.id,
      workflow: record.workflow,
      version: record.version,
      state: standing.state,
      status: status.byteLength === 0 ? null : displayValue(status),
      at: standing.at === '' ? null : standing.at,
      attempt: standing.attempt,
      startedAt: time(record.startedAtMs),
      updatedAt: time(updatedAtMs),
      nextAt: standing.nextAtMs === 0 ? null : time(standing.nextAtMs),
      ...(record.stuckCode !== '' && standing.state === 'stuck'
        ? { error: { name: 'HoldfastError', message: record.stuckReason, code: record.stuckCode } }
        : {}),
    };
  }

  /** How a run stands: from memory, from its record, or, for what was at work, its history. */
  async #lookAt(
    number: number,
    record: RunRecord,
  ): Promise<{ standing: Standing; status: Uint8Array; updatedAtMs: number }> {
    const run = this.#resident(number);
    if (run !== undefined && !finalStates.has(record.state)) {
      const { status, updatedAtMs } = run.progress;
      return { standing: run.standing(), status, updatedAtMs };
    }
    if (record.state !== 'pending' && record.state !== 'running') {
      const { state, at, attempt, nextAtMs, status, updatedAtMs } = record;
      return { standing: { state, at, attempt, nextAtMs }, status, updatedAtMs };
    }
    const progress = new Progress();
    for (const { entry } of await this.#store.history(number)) progress.add(entry);
    const { status, updatedAtMs } = progress;
    return { standing: progress.standing(), status, updatedAtMs };
  }

  #historyRow({ lane, seq, entry }: HistoryEntry): HistoryRow {
    const acked = this.#journal.positions()[lanes.indexOf(lane)]?.acked ?? 0;
    return {
      n: 'n' in entry ? entry.n : 0,
      ...{ lane, seq, kind: entry.kind, at: time(entry.atMs), synced: seq <= acked },
      name: 'name' in entry ? entry.name : null,
      attempt: 'attempt' in entry ? entry.attempt : null,
      value: valueOf(entry),
    };
  }
}

/** RFC 3339. A clock that lies may be beyond what a date can be. */
export function time(ms: number): string {
  return new Date(Math.min(ms, 8.64e15)).toISOString();
}

function readEntry(stored: StoredEntry): Entry | undefined {
  try {
    return decodeEntry(stored.bytes);
  } catch {
    return undefined; // Shown as unreadable; `verify` names what is damaged.
  }
}

function journalRow(lane: Lane, stored: StoredEntry, synced: boolean): JournalRow {
  const entry = readEntry(stored);
  return {
    ...{ lane, seq: stored.seq, bytes: stored.bytes.byteLength, synced },
    at: time(entry?.atMs ?? 0),
    kind: entry?.kind ?? 'unreadable',
    run: entry !== undefined && 'run' in entry && entry.run !== '' ? entry.run : null,
    name: entry !== undefined && 'name' in entry ? entry.name : null,
    value: entry === undefined ? null : valueOf(entry),
  };
}

const valueFields = ['input', 'output', 'result', 'payload', 'status', 'error'] as const;

/** JSON form of what an entry carries. */
function valueOf(entry: Entry): unknown {
  const fields: Partial<Record<string, unknown>> = entry;
  for (const field of valueFields) {
    const value = fields[field];
    if (value instanceof Uint8Array) return displayValue(value);
  }
  return 'reason' in entry ? entry.reason : null;
}

function endOf(history: readonly HistoryEntry[]): Pick<RunDetailView, 'output' | 'error'> {
  const last = history.at(-1)?.entry;
  if (last?.kind === 'run.completed') return { output: displayValue(last.output) };
  if (last?.kind !== 'run.failed') return {};
  const error = decodeValue(last.error);
  const name = error instanceof Error ? error.name : typeof error;
  const code = error instanceof HoldfastError ? { code: error.code } : {};
  return { error: { name, message: messageOf(error), ...code } };
}
