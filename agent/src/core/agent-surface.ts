import {
  eachLane,
  errorCatalogue,
  formatDuration,
  laneIndex,
  type Clock,
  type EpochCause,
  type ErrorCode,
  type PerLane,
  type Report,
} from '@holdfast/protocol';
import { certificateProblem, type CertificateLife } from './certificate-life.ts';
import type { DeviceTime } from './device-time.ts';
import type { Inspector } from './inspect.ts';
import type { RunsQuery } from './run-list.ts';
import { time } from './rfc3339.ts';
import { usedBytes } from './budget.ts';
import type { Journal } from './journal.ts';
import { catchUpMs, fullInMs } from './outlook.ts';
import type { SalvageNote } from './salvage.ts';
import { scheduleStates, type SchedulesView } from './schedule-views.ts';
import type { RevealOptions, SendBytes } from './surface.ts';
import type { UplinkView } from './uplink-view.ts';
import type {
  BacklogQuery,
  BacklogView,
  ClockView,
  HistoryView,
  HolesView,
  JournalStateView,
  JournalView,
  LastEnd,
  LinkView,
  Problem,
  RunDetailView,
  RunIdsView,
  RunState,
  RunsView,
  SettingsView,
  StatusView,
} from './views.ts';

/** By what a gateway knows the device. */
export interface DeviceIdentity {
  /** Name of the device's key; `null`: it has none yet. */
  readonly key: string | null;
  /** `null`: it was not enrolled. */
  readonly certificate: CertificateLife | null;
}

/** Facts of this process that views repeat. */
export interface AgentFacts {
  readonly device: string;
  readonly epoch: number;
  /** As it is now: it may be replaced while the agent runs. */
  readonly identity: () => DeviceIdentity;
  readonly version: string;
  readonly pid: number | null;
  readonly startedAtMs: number | null;
  readonly gateway: string | null;
  /** What the data directory is on, and why not to trust that. */
  readonly fileSystem?: string | undefined;
  /** What the files of the store take. */
  readonly fileBytes?: () => Promise<number>;
  /** What its file system has free for it. */
  readonly diskFreeBytes?: () => Promise<number>;
  /** How the agent before it ended; default: as it should. */
  readonly lastEnd?: LastEnd;
  /** Bytes that this end has cut off of a last write; default: none. */
  readonly tornBytes?: number;
  /** The store was gone and a new one is in its place. */
  readonly recreated: boolean;
  /** The store took the place of another one, which still lies beside it. */
  readonly salvage: SalvageNote | undefined;
}

/** What can be read of an agent. `undefined` parts: it does not run. */
export interface ReaderParts {
  readonly facts: AgentFacts;
  readonly clock: Pick<Clock, 'nowMs' | 'wakeIn'>;
  /** `undefined`: the agent does not run. */
  readonly time?: DeviceTime | undefined;
  readonly journal: Journal;
  readonly inspector: Inspector;
  readonly counts: () => Promise<Partial<Record<RunState, number>>>;
  readonly schedulesView: () => Promise<SchedulesView>;
  readonly snapshot: (send: SendBytes) => Promise<void>;
  /** `undefined`: no gateway is configured, or the agent does not run. */
  readonly link: () => UplinkView | undefined;
  /** Entries a second that were acknowledged when a backlog drained last. Default: not known. */
  readonly usualPerS?: () => number | undefined;
}

/** The newest are shown. */
const SET_ASIDE_MAX = 100;

export class AgentReaderCore {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  async status(): Promise<StatusView> {
    const { facts, counts, schedulesView } = this.#parts;
    const { link, lanes: laneViews, ...sums } = await this.backlog();
    const [fileBytes, diskFreeBytes] = await Promise.all([
      sizeOf(facts.fileBytes),
      sizeOf(facts.diskFreeBytes),
    ]);
    const usualPerS = this.#parts.usualPerS?.() ?? null;
    const files = { fileBytes, diskFreeBytes };
    const full = this.#fullInMs(link.state, sums, diskFreeBytes);
    const journal = journalState(this.#parts.journal, { ...files, fullInMs: full });
    const runs = await counts();
    const identity = facts.identity();
    const { certificate } = identity;
    // Read from the store, which may be away.
    const isAway = this.#parts.journal.trouble !== undefined;
    const { schedules } = isAway ? { schedules: [] } : await schedulesView();
    return {
      schema: 'holdfast.status/1',
      device: facts.device,
      epoch: facts.epoch,
      key: identity.key,
      certificate: certificate && { expiresAt: time(certificate.toMs) },
      agent: {
        version: facts.version,
        running: facts.pid !== null,
        pid: facts.pid,
        startedAt: facts.startedAtMs === null ? null : time(facts.startedAtMs),
        lastEnd: facts.lastEnd ?? 'clean',
        tornBytes: facts.tornBytes ?? 0,
      },
      clock: clockView(this.#parts.time),
      link,
      journal,
      backlog: {
        ...{ pending: sums.pending, bytes: sums.bytes, oldestAt: sums.oldestAt },
        holes: sums.holes,
        setAside: sums.setAside,
        lanes: laneViews,
        usualPerS,
        catchUpMs: catchUpMs({ state: link.state, ...sums, usualPerS }),
      },
      runs,
      schedules: countStates(schedules),
      problems: [
        ...(journal.problem === null ? [] : [journal.problem]),
        ...this.#problems(link, runs),
        ...this.#certificateProblems(certificate),
      ],
    };
  }

  async backlog({ parts: isAsked = false }: BacklogQuery = {}): Promise<BacklogView> {
    const { facts, clock, journal, inspector } = this.#parts;
    const parts = isAsked ? await inspector.backlogParts() : undefined;
    const oldest = await inspector.oldestAtMs();
    const view = this.#parts.link();
    const laneViews = inspector.lanes(view?.sent ?? [0, 0, 0], oldest);
    const known = oldest.filter((atMs) => atMs > 0);
    return {
      schema: 'holdfast.backlog/1',
      device: facts.device,
      at: time(clock.nowMs()),
      link: this.#link(view),
      pending: laneViews.reduce((sum, lane) => sum + lane.pending, 0),
      bytes: laneViews.reduce((sum, lane) => sum + lane.bytes, 0),
      oldestAt: known.length === 0 ? null : time(Math.min(...known)),
      holes: addHoles(laneViews.map((lane) => lane.holes)),
      setAside: journal.dead.list().slice(-SET_ASIDE_MAX),
      lanes: laneViews,
      ...(parts === undefined ? {} : { parts }),
    };
  }

  runs(query: RunsQuery): Promise<RunsView> {
    return this.#parts.inspector.runs(query, this.#parts.clock.nowMs());
  }

  runIds(query: { readonly prefix: string; readonly limit: number }): Promise<RunIdsView> {
    return this.#parts.inspector.runIds(query);
  }

  run(id: string, options?: RevealOptions): Promise<RunDetailView> {
    return this.#parts.inspector.run(id, options);
  }

  history(id: string, options?: RevealOptions): Promise<HistoryView> {
    return this.#parts.inspector.history(id, options);
  }

  settings(): Promise<SettingsView> {
    return this.#parts.inspector.settings();
  }

  schedules(): Promise<SchedulesView> {
    return this.#parts.schedulesView();
  }

  journal(query: Parameters<Inspector['journal']>[0]): Promise<JournalView> {
    return this.#parts.inspector.journal(query);
  }

  snapshot(send: SendBytes): Promise<void> {
    return this.#parts.snapshot(send);
  }

  /** How the link is now. */
  protected link(): LinkView {
    return this.#link(this.#parts.link());
  }

  #link(view: UplinkView | undefined): LinkView {
    const { facts } = this.#parts;
    const common = { gateway: facts.gateway };
    if (view !== undefined) {
      const { sent: _, sentThrough: __, rejected: ___, stale: ____, ...link } = view;
      return { ...link, ...common };
    }
    const state = facts.pid === null ? 'stopped' : 'none';
    const nothing = { since: null, lastAckAt: null, nextTryAt: null, problem: null };
    return { state, ...common, ...nothing, attempt: 0, resends: 0, metered: null };
  }

  #fullInMs(
    state: LinkView['state'],
    { pending, bytes, oldestAt }: Pick<BacklogView, 'pending' | 'bytes' | 'oldestAt'>,
    diskFreeBytes: number | null,
  ): number | null {
    const { journal, clock, time: deviceTime } = this.#parts;
    // Without a clock it is not known for how long it has grown.
    const isTimed = oldestAt !== null && deviceTime?.source !== 'none';
    const { budget } = journal;
    const inBudget = budget === undefined ? null : budget.refuseAt - usedBytes(journal);
    return fullInMs({
      ...{ state, pending, bytes, nowMs: clock.nowMs() },
      oldestAtMs: isTimed ? Date.parse(oldestAt) : null,
      roomBytes: inBudget === null ? null : Math.min(inBudget, diskFreeBytes ?? inBudget),
    });
  }

  #certificateProblems(certificate: DeviceIdentity['certificate']): Problem[] {
    if (certificate === null) return [];
    const found = certificateProblem(certificate, this.#parts.clock.nowMs());
    return found === undefined ? [] : [found];
  }

  #problems(link: LinkView, runs: StatusView['runs']): Problem[] {
    const problems: Problem[] = [];
    const slowMs = this.#parts.journal.syncs.slowMs();
    if (slowMs !== undefined) {
      const message = `A commit took ${formatDuration(slowMs)} to reach the disk`;
      problems.push(problem('HF_DISK_SLOW', message));
    }
    const damaged = this.#parts.journal.meter.damagedEntries;
    if (damaged > 0) {
      const entries = damaged === 1 ? 'entry was' : 'entries were';
      problems.push(problem('HF_ENTRY_DAMAGED', `${damaged} ${entries} damaged on the disk`));
    }
    if (link.state === 'stuck' && link.problem !== null) problems.push(link.problem);
    if (this.#parts.facts.recreated) {
      const message = `The store was missing; this is epoch ${this.#parts.facts.epoch}`;
      problems.push(problem('HF_STORE_RECREATED', message));
    }
    const { salvage, fileSystem } = this.#parts.facts;
    if (fileSystem !== undefined) {
      const message = `The data directory is on ${fileSystem}`;
      problems.push(problem('HF_DATA_DIR_FILE_SYSTEM', message));
    }
    if (salvage !== undefined) problems.push(problem(causes[salvage.cause], salvageText(salvage)));
    const aside = this.#parts.journal.dead.list();
    if (aside.length > 0) {
      const places = aside.slice(-3).map(({ lane, seq }) => `${lane} ${seq}`);
      const entries = aside.length === 1 ? 'entry is' : 'entries are';
      const message = `${aside.length} ${entries} set aside: ${places.join(', ')}`;
      problems.push(problem('HF_ENTRY_UNSENDABLE', message));
    }
    if (runs.stuck !== undefined) {
      const message = `${runs.stuck} ${runs.stuck === 1 ? 'run needs' : 'runs need'} a person`;
      problems.push(problem('HF_RUN_STUCK', message));
    }
    return problems;
  }
}

function countStates(schedules: SchedulesView['schedules']): StatusView['schedules'] {
  const counts = scheduleStates.map((state) => {
    return [state, schedules.filter((schedule) => schedule.state === state).length] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function clockView(clock: DeviceTime | undefined): ClockView | null {
  if (clock === undefined) return null;
  const { source, wallAheadMs } = clock;
  return { source, at: time(clock.nowMs()), wallAheadMs: Math.round(wallAheadMs) };
}

/** `null`: it cannot be told now. */
async function sizeOf(read: (() => Promise<number>) | undefined): Promise<number | null> {
  return (await read?.().catch(() => null)) ?? null;
}

function journalState(
  journal: Journal,
  told: Pick<JournalStateView, 'fileBytes' | 'diskFreeBytes' | 'fullInMs'>,
): JournalStateView {
  const { trouble, budget, syncs } = journal;
  const used = usedBytes(journal);
  const sizes = {
    ...{ usedBytes: used, maxBytes: budget?.maxBytes ?? null, ...told },
    syncMs: syncs.view() ?? null,
  };
  if (trouble !== undefined) {
    const { code, message } = trouble.error;
    const since = time(trouble.sinceMs);
    return { state: 'failed', since, problem: problem(code, message), ...sizes };
  }
  const { full } = journal;
  if (full === undefined) return { state: 'ok', since: null, problem: null, ...sizes };
  const { code, message } = full;
  return { state: 'full', since: null, problem: problem(code, message), ...sizes };
}

function addHoles(all: readonly HolesView[]): HolesView {
  const sum = (of: keyof HolesView) => all.reduce((total, holes) => total + holes[of], 0);
  return { count: sum('count'), entries: sum('entries'), bytes: sum('bytes') };
}

const causes: Readonly<Record<EpochCause, ErrorCode>> = {
  salvaged: 'HF_STORE_SALVAGED',
  rewound: 'HF_JOURNAL_REWOUND',
  forked: 'HF_CHAIN_BROKEN',
  moved: 'HF_MACHINE_CHANGED',
  restored: 'HF_STORE_RESTORED',
};

function salvageText(salvage: SalvageNote): string {
  const { at, why, entriesKept, entriesLost, lost, movedTo, newEpoch } = salvage;
  const loss = entriesLost === 0 ? 'none lost' : `${entriesLost} lost (${lost})`;
  const what = `Epoch ${newEpoch} began at ${at}: ${entriesKept} entries kept, ${loss}`;
  return `${what}. The old store is in ${movedTo}: ${why}`;
}

function problem(code: keyof typeof errorCatalogue, message: string): Problem {
  return { code, message, hint: errorCatalogue[code].hint };
}

export function isSynced(journal: Journal): boolean {
  return journal.positions().every(({ head, acked }) => head === acked);
}

/** The present, for the gateway, while history drains. */
export function makeReport(parts: {
  readonly facts: AgentFacts;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly oldestAtMs: PerLane<number>;
  readonly counts: Partial<Record<RunState, number>>;
}): Report {
  const { facts, clock, journal } = parts;
  const positions = journal.positions();
  return {
    epoch: facts.epoch,
    atMs: clock.nowMs(),
    agentVersion: facts.version,
    lanes: eachLane((lane) => {
      const { head, acked } = positions[laneIndex(lane)];
      const oldestAtMs = parts.oldestAtMs[laneIndex(lane)];
      return { head, acked, backlogBytes: journal.backlogBytes(lane), oldestAtMs };
    }),
    runs: Object.entries(parts.counts).map(([state, count]) => ({ state, count })),
    boot: journal.boot,
    monoMs: Math.floor(clock.monoMs()),
  };
}
