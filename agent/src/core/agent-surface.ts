import {
  HoldfastError,
  eachLane,
  encodeValue,
  errorCatalogue,
  laneIndex,
  type Clock,
  type PerLane,
  type Report,
} from '@holdfast/protocol';
import type { Inspector } from './inspect.ts';
import { time } from './inspect.ts';
import type { Journal } from './journal.ts';
import type { Runtime } from './runtime.ts';
import type { AgentSurface, SignalRequest, StartRequest } from './surface.ts';
import type { SalvageNote } from './salvage.ts';
import type { UplinkView } from './uplink-view.ts';
import type {
  BacklogView,
  JournalView,
  LinkView,
  Problem,
  RunDetailView,
  RunState,
  RunsView,
  StatusView,
} from './views.ts';
import { finalStates } from './views.ts';

/** Facts of this process that views repeat. */
export interface AgentFacts {
  readonly device: string;
  readonly epoch: number;
  readonly version: string;
  readonly pid: number | null;
  readonly startedAtMs: number | null;
  readonly gateway: string | null;
  /** The store was gone and a new one is in its place. */
  readonly recreated: boolean;
  /** The store took the place of a damaged one, which still lies beside it. */
  readonly salvage: SalvageNote | undefined;
}

/** What can be read of an agent. `undefined` parts: it does not run. */
export interface ReaderParts {
  readonly facts: AgentFacts;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly inspector: Inspector;
  readonly counts: () => Promise<Partial<Record<RunState, number>>>;
  /** `undefined`: no gateway is configured, or the agent does not run. */
  readonly link: () => UplinkView | undefined;
}

export class AgentReaderCore {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  async status(): Promise<StatusView> {
    const { facts, counts } = this.#parts;
    const { link, lanes: laneViews, ...sums } = await this.backlog();
    const runs = await counts();
    return {
      schema: 'holdfast.status/1',
      device: facts.device,
      epoch: facts.epoch,
      agent: {
        version: facts.version,
        running: facts.pid !== null,
        pid: facts.pid,
        startedAt: facts.startedAtMs === null ? null : time(facts.startedAtMs),
      },
      link,
      backlog: {
        ...{ pending: sums.pending, bytes: sums.bytes, oldestAt: sums.oldestAt },
        lanes: laneViews,
      },
      runs,
      problems: this.#problems(link, runs),
    };
  }

  async backlog(): Promise<BacklogView> {
    const { facts, clock, inspector } = this.#parts;
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
      lanes: laneViews,
    };
  }

  runs(query: { readonly all: boolean; readonly limit: number }): Promise<RunsView> {
    return this.#parts.inspector.runs(query);
  }

  run(id: string): Promise<RunDetailView> {
    return this.#parts.inspector.run(id);
  }

  journal(query: Parameters<Inspector['journal']>[0]): Promise<JournalView> {
    return this.#parts.inspector.journal(query);
  }

  #link(view: UplinkView | undefined): LinkView {
    const { facts } = this.#parts;
    const common = { gateway: facts.gateway };
    if (view !== undefined) {
      const { sent: _, rejected: __, ...link } = view;
      return { ...link, ...common };
    }
    const state = facts.pid === null ? 'stopped' : 'none';
    const nothing = { since: null, lastAckAt: null, nextTryAt: null, problem: null };
    return { state, ...common, ...nothing, attempt: 0, resends: 0 };
  }

  #problems(link: LinkView, runs: StatusView['runs']): Problem[] {
    const problems: Problem[] = [];
    if (link.state === 'stuck' && link.problem !== null) problems.push(link.problem);
    if (this.#parts.facts.recreated) {
      const message = `The store was missing; this is epoch ${this.#parts.facts.epoch}`;
      problems.push(problem('HF_STORE_RECREATED', message));
    }
    const { salvage } = this.#parts.facts;
    if (salvage !== undefined) problems.push(problem('HF_STORE_SALVAGED', salvageText(salvage)));
    if (runs.stuck !== undefined) {
      const message = `${runs.stuck} ${runs.stuck === 1 ? 'run needs' : 'runs need'} a person`;
      problems.push(problem('HF_RUN_STUCK', message));
    }
    return problems;
  }
}

function salvageText(salvage: SalvageNote): string {
  const { at, why, entriesKept, entriesLost, lost, movedTo, newEpoch } = salvage;
  const loss = entriesLost === 0 ? 'none lost' : `${entriesLost} lost (${lost})`;
  const what = `Salvaged at ${at}: ${entriesKept} entries kept, ${loss}; this is epoch ${newEpoch}`;
  return `${what}. The old store is in ${movedTo}: ${why}`;
}

function problem(code: keyof typeof errorCatalogue, message: string): Problem {
  return { code, message, hint: errorCatalogue[code].hint };
}

/** The whole of what the socket serves. */
export class LiveSurface extends AgentReaderCore implements AgentSurface {
  readonly #live: ReaderParts;
  readonly #runtime: Runtime;

  constructor(parts: ReaderParts, runtime: Runtime) {
    super(parts);
    this.#live = parts;
    this.#runtime = runtime;
  }

  async startRun(request: StartRequest): Promise<{ id: string; created: boolean }> {
    const input = encodeValue(request.input, 'input');
    const { workflow, id } = request;
    const started = await this.#runtime.start({ workflow, input, id });
    return { id: started.id, created: started.created };
  }

  async signal(request: SignalRequest): Promise<void> {
    const payload = encodeValue(request.payload, 'payload');
    await this.#runtime.signal({ ...request, payload });
  }

  async cancel(request: { readonly run: string; readonly reason: string }): Promise<void> {
    await this.#runtime.cancel(request);
  }

  async waitRun(query: {
    readonly run: string;
    readonly timeoutMs: number;
  }): Promise<RunDetailView> {
    const number = await this.#runtime.numberOf(query.run);
    if (this.#runtime.isOpen(number)) {
      await this.#until(query.timeoutMs, (done) => this.#runtime.onceEnded(number, done));
    }
    const view = await this.run(query.run);
    if (finalStates.has(view.state)) return view;
    throw new HoldfastError('HF_WAIT_TIMEOUT', { why: `run ${query.run} is ${view.state}` });
  }

  async waitSynced(query: { readonly timeoutMs: number }): Promise<BacklogView> {
    const { journal } = this.#live;
    await this.#until(query.timeoutMs, (done) => {
      const look = (): void => {
        if (isSynced(journal)) done();
      };
      const stop = journal.onCommit(look);
      look();
      return stop;
    });
    const view = await this.backlog();
    if (view.pending === 0) return view;
    const why = `${view.pending} entries are pending, and the link is ${view.link.state}`;
    throw new HoldfastError('HF_WAIT_TIMEOUT', { why });
  }

  /** Resolves once `subscribe`'s callback is called or the time is over. */
  #until(timeoutMs: number, subscribe: (done: () => void) => () => void): Promise<void> {
    return new Promise((resolve) => {
      const ends: (() => void)[] = [];
      const done = (): void => {
        for (const end of ends.splice(0)) end();
        resolve();
      };
      ends.push(this.#live.clock.wakeIn(timeoutMs, done));
      ends.push(subscribe(done));
    });
  }
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
  };
}
