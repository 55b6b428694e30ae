import type { MeterView } from './link-meter.ts';
import type { ScheduleView, SchedulesView } from './schedule-views.ts';
import type {
  BacklogView,
  ClockView,
  HistoryRow,
  HistoryView,
  HolesView,
  JournalRow,
  JournalStateView,
  JournalView,
  LaneBacklog,
  LinkView,
  RunDetailView,
  RunsView,
  RunView,
  StatusView,
} from './views.ts';

/** Fields that a view has in any case, and those of the views in it. */
export interface ViewFields {
  readonly [name: string]: true | ViewFields;
}

/** All fields of a view but those that may be left out, as a value of a workflow may. */
type FieldsOf<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: true | ViewFields;
};

const holes = { count: true, entries: true, bytes: true } satisfies FieldsOf<HolesView>;

const lane = {
  ...{ lane: true, head: true, sent: true, acked: true, pending: true, bytes: true },
  ...{ holes, oldestAt: true },
} satisfies FieldsOf<LaneBacklog>;

const metered = {
  ...{ isOpen: true, usedBytes: true, budgetBytes: true, per: true, changesAt: true },
} satisfies FieldsOf<MeterView>;

const link = {
  ...{ state: true, gateway: true, since: true, lastAckAt: true, nextTryAt: true },
  ...{ attempt: true, problem: true, resends: true, metered },
} satisfies FieldsOf<LinkView>;

const pending = {
  ...{ pending: true, bytes: true, oldestAt: true, holes, setAside: true, lanes: lane },
} satisfies FieldsOf<Omit<StatusView['backlog'], 'usualPerS' | 'catchUpMs'>>;

const ahead = {
  ...{ ...pending, usualPerS: true, catchUpMs: true },
} satisfies FieldsOf<StatusView['backlog']>;

const journalState = {
  ...{ state: true, usedBytes: true, maxBytes: true, fileBytes: true, diskFreeBytes: true },
  ...{ fullInMs: true, syncMs: true, since: true, problem: true },
} satisfies FieldsOf<JournalStateView>;

const agent = {
  ...{ version: true, running: true, pid: true, startedAt: true },
  ...{ lastEnd: true, tornBytes: true },
} satisfies FieldsOf<StatusView['agent']>;

const clock = { source: true, at: true, wallAheadMs: true } satisfies FieldsOf<ClockView>;

const status = {
  ...{ schema: true, device: true, epoch: true, key: true, certificate: true, agent, clock },
  ...{ link, journal: journalState, backlog: ahead, runs: true, schedules: true },
  problems: true,
} satisfies FieldsOf<StatusView>;

const backlog = {
  ...{ schema: true, device: true, at: true, link, ...pending },
} satisfies FieldsOf<BacklogView>;

const run = {
  ...{ id: true, workflow: true, version: true, state: true, at: true, attempt: true },
  ...{ startedAt: true, updatedAt: true, nextAt: true },
} satisfies FieldsOf<RunView>;

const historyRow = {
  ...{ n: true, lane: true, seq: true, kind: true, at: true, clock: true, deviceAt: true },
  ...{ name: true, attempt: true, synced: true, op: true, tookMs: true },
} satisfies FieldsOf<HistoryRow>;

const journalRow = {
  ...{ lane: true, seq: true, at: true, clock: true, deviceAt: true, kind: true, run: true },
  ...{ name: true, bytes: true, synced: true },
} satisfies FieldsOf<JournalRow>;

const schedule = {
  ...{ id: true, workflow: true, cron: true, timezone: true, missed: true, overlap: true },
  ...{ state: true, nextAt: true, lastSlotAt: true, lastRun: true, buffered: true },
} satisfies FieldsOf<ScheduleView>;

/** What each view of an agent has, at least. */
export const viewFields = {
  status,
  backlog,
  runs: { schema: true, device: true, runs: run, next: true } satisfies FieldsOf<RunsView>,
  run: {
    ...{ schema: true, ...run, uid: true, lastError: true, waitsFor: true, history: historyRow },
  } satisfies FieldsOf<RunDetailView>,
  history: {
    ...{ schema: true, device: true, epoch: true, run: true, workflow: true, version: true },
    ...{ state: true, entries: true },
  } satisfies FieldsOf<HistoryView>,
  journal: {
    ...{ schema: true, device: true, epoch: true, rows: journalRow },
  } satisfies FieldsOf<JournalView>,
  schedules: {
    ...{ schema: true, device: true, schedules: schedule },
  } satisfies FieldsOf<SchedulesView>,
} as const;

/**
 * Where a view lacks one of the fields, such as `backlog.holes`; `undefined`: nowhere. Fields are
 * only ever added, so that what lacks one was written by an older version.
 */
export function lackingIn(view: unknown, fields: ViewFields): string | undefined {
  if (Array.isArray(view)) return firstOf(view, (each: unknown) => lackingIn(each, fields));
  if (typeof view !== 'object' || view === null) return undefined;
  const values = view as Readonly<Record<string, unknown>>;
  return firstOf(Object.entries(fields), ([name, within]) => {
    if (values[name] === undefined) return name;
    const lacking = within === true ? undefined : lackingIn(values[name], within);
    return lacking === undefined ? undefined : `${name}.${lacking}`;
  });
}

function firstOf<T>(
  values: readonly T[],
  find: (value: T) => string | undefined,
): string | undefined {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
