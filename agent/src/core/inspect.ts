import {
  HoldfastError,
  decodeValue,
  displayValue,
  eachLane,
  laneIndex,
  lanes,
  messageOf,
  type PerLane,
} from '@holdfast/protocol';
import { backlogParts } from './backlog-parts.ts';
import { entryTimes, untimed } from './entry-times.ts';
import type { Journal } from './journal.ts';
import type { JournalQuery } from './journal-filter.ts';
import { journalRows } from './journal-rows.ts';
import { Progress, type Standing } from './progress.ts';
import type { Run } from './run.ts';
import {
  endOf,
  exportedEntry,
  historyRow,
  lastErrorOf,
  readEntry,
  readable,
  waitsFor,
  type StoredPlace,
  entryAt,
} from './run-detail.ts';
import { time } from './rfc3339.ts';
import { listRuns, type RunsQuery } from './run-list.ts';
import type { RunRecord } from './run-record.ts';
import type { NumberedRecord, RunStore } from './run-store.ts';
import type { RevealOptions } from './surface.ts';
import {
  finalStates,
  type BacklogPartsView,
  type HistoryView,
  type JournalView,
  type LaneBacklog,
  type RunState,
  type RunDetailView,
  type RunIdsView,
  type RunView,
  type RunsView,
  type SettingsView,
} from './views.ts';

/** Entries in memory at a time besides those that are shown. */
const PAGE = 256;
/** More than a person reads. */
const SETTINGS_MAX = 1_000;

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
        pending: head - acked - this.#journal.pendingHoles(lane).entries,
        bytes: this.#journal.backlogBytes(lane),
        holes: this.#journal.pendingHoles(lane),
        oldestAt: head > acked && oldest > 0 ? time(oldest) : null,
      };
    });
  }

  /** When the oldest pending entry of each lane was journaled, ms since 1970; 0: none is. */
  async oldestAtMs(): Promise<PerLane<number>> {
    // The store may be away, and the status is what tells of it.
    if (this.#journal.trouble) return [0, 0, 0];
    const positions = this.#journal.positions();
    const [urgent, normal, bulk] = await Promise.all(
      eachLane(async (lane) => {
        const { head, acked } = positions[laneIndex(lane)];
        // Mostly nothing waits: a report each few seconds is not to read the store for that.
        if (head === acked) return 0;
        const [stored] = await this.#journal.entries(lane, acked + 1, 1);
        return stored === undefined ? 0 : (readEntry(stored)?.atMs ?? 0);
      }),
    );
    return [urgent, normal, bulk];
  }

  /** What the backlog is made of. `undefined`: the store is away. */
  async backlogParts(): Promise<BacklogPartsView | undefined> {
    if (this.#journal.trouble) return undefined;
    return backlogParts({ journal: this.#journal, store: this.#store });
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

  /**
   * One page of runs, newest first. `nowMs`: to when a question counts durations.
   *
   * @throws HF_INPUT_INVALID, HF_QUERY_INVALID
   */
  async runs(query: RunsQuery, nowMs = 0): Promise<RunsView> {
    const page = await listRuns(this.#store, query, {
      look: async (number, record) => {
        const view = runView(record, await this.#lookAt(number, record));
        return query.synced === true ? { ...view, synced: await this.#syncedOf(number) } : view;
      },
      nowMs,
    });
    return { schema: 'holdfast.runs/1', device: this.#journal.device, ...page };
  }

  /** @throws HF_RUN_UNKNOWN */
  async run(id: string, options: RevealOptions = {}): Promise<RunDetailView> {
    const { number, record } = await this.#find(id);
    const look = await this.#lookAt(number, record);
    const { standing } = look;
    // Read behind the look: a run that has ended by then has its end in the history.
    const places = await this.#places(number, options);
    // What is damaged is shown as the entry has it.
    const history = readable(await this.#endsWhole(places).catch(() => places));
    const [first] = history;
    const isOver = standing.state === 'completed' || standing.state === 'cancelled';
    const positions = this.#journal.positions();
    const stamps = places.map(({ stored }) => readEntry(stored));
    const times = await entryTimes(this.#store.rows, stamps);
    return {
      schema: 'holdfast.run/1',
      ...runView(record, look),
      ...(finalStates.has(standing.state) ? endOf(history) : {}),
      input: first?.kind === 'run.started' ? displayValue(first.input) : null,
      uid: first?.kind === 'run.started' ? first.uid : null,
      lastError: isOver ? null : lastErrorOf(history),
      waitsFor: waitsFor(standing, history),
      history: places.map((place, index) => {
        const { acked } = positions[laneIndex(place.lane)];
        return historyRow(place, acked, times[index] ?? untimed);
      }),
    };
  }

  /** Ids of runs, ended or not, that begin with `prefix`. */
  async runIds(query: { readonly prefix: string; readonly limit: number }): Promise<RunIdsView> {
    const ids = await this.#store.idsLike(query.prefix, query.limit);
    return { schema: 'holdfast.run-ids/1', ids };
  }

  /** What the gateway has set. */
  async settings(): Promise<SettingsView> {
    const kept = await this.#store.configs(SETTINGS_MAX);
    const settings = kept.map(({ name, value }) => ({ name, value: displayValue(value) }));
    return { schema: 'holdfast.settings/1', device: this.#journal.device, settings };
  }

  /** @throws HF_RUN_UNKNOWN, HF_ENTRY_DAMAGED for an entry that is gone. */
  async history(id: string, options: RevealOptions = {}): Promise<HistoryView> {
    const { number, record } = await this.#find(id);
    const { workflow, version } = record;
    const places = await this.#places(number, options);
    const { standing } = await this.#lookAt(number, record);
    return {
      schema: 'holdfast.history/1',
      ...{ device: this.#journal.device, epoch: this.#journal.epoch, run: id },
      ...{ workflow, version, state: standing.state },
      entries: (await this.#allWhole(places)).map(exportedEntry),
    };
  }

  /** The output of a run that has completed. @throws what it failed with, HF_RUN_CANCELLED. */
  async result(number: number): Promise<unknown> {
    const last = await this.#store.lastEntry(number);
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

  journal(query: JournalQuery): Promise<JournalView> {
    return journalRows({ journal: this.#journal, store: this.#store }, query);
  }

  /** How a run stands: from memory, from its record, or, for what was at work, its history. */
  async #lookAt(number: number, record: RunRecord): Promise<Look> {
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
    for (const entry of readable(await this.#places(number))) progress.add(entry);
    const { status, updatedAtMs } = progress;
    return { standing: progress.standing(), status, updatedAtMs };
  }

  /** How much of a history the ledger has. */
  async #syncedOf(number: number): Promise<NonNullable<RunView['synced']>> {
    const places = await this.#store.places(number);
    const positions = this.#journal.positions();
    const isAcked = ({ lane, seq }: (typeof places)[number]) =>
      seq <= positions[laneIndex(lane)].acked;
    return { entries: places.length, acked: places.filter(isAcked).length };
  }

  async #find(id: string): Promise<NumberedRecord> {
    const number = await this.#store.numberOf(id);
    const record = number === undefined ? undefined : await this.#store.record(number);
    if (number !== undefined && record !== undefined) return { number, record };
    throw new HoldfastError('HF_RUN_UNKNOWN', { why: id });
  }

  /** The history of a run, without the parts of values. */
  async #places(number: number, { reveal = false }: RevealOptions = {}): Promise<StoredPlace[]> {
    const places = await this.#store.places(number);
    const kept: StoredPlace[] = [];
    for (let from = 0; from < places.length; from += PAGE) {
      const page = places.slice(from, from + PAGE);
      const stored = await this.#journal.entriesAt(page);
      const contents = await this.#store.contentsAt(page, reveal);
      for (const [at, place] of page.entries()) {
        if (readEntry(stored[at])?.kind === 'value.part') continue;
        kept.push({ n: from + at, ...place, stored: stored[at], content: contents[at] });
      }
    }
    return kept;
  }

  /** With what it was given and what it came to: only these are shown whole, however large. */
  #endsWhole(places: readonly StoredPlace[]): Promise<StoredPlace[]> {
    return this.#allWhole(places, (index) => index === 0 || index === places.length - 1);
  }

  async #allWhole(
    places: readonly StoredPlace[],
    isWanted: (index: number) => boolean = () => true,
  ): Promise<StoredPlace[]> {
    const whole: StoredPlace[] = [];
    for (const [index, place] of places.entries()) {
      const entry = isWanted(index) ? entryAt(place) : undefined;
      const value = entry && (await this.#store.wholeValue({ ...place, entry }));
      whole.push(value === undefined ? place : { ...place, content: value });
    }
    return whole;
  }
}

/** How a run stands at one moment. */
interface Look {
  readonly standing: Standing;
  readonly status: Uint8Array;
  readonly updatedAtMs: number;
}

function runView(record: RunRecord, { standing, status, updatedAtMs }: Look): RunView {
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
