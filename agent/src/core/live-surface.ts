import {
  HoldfastError,
  PROTOCOL_VERSION,
  encodeValue,
  gauge,
  metricsText,
  single,
  type Clock,
} from '@holdfast/protocol';
import { BacklogRates } from './backlog-rates.ts';
import { AgentReaderCore, isSynced, type ReaderParts } from './agent-surface.ts';
import type { Erased, EraseRequest } from './erasure.ts';
import type { KeptLog, LogsView } from './kept-log.ts';
import type { Runtime } from './runtime.ts';
import type { Schedules } from './schedules.ts';
import { statusMetrics } from './status-metrics.ts';
import type {
  AgentSurface,
  CancelRequest,
  CompleteRequest,
  EmitRequest,
  ForkRequest,
  KeyChanged,
  RepairRequest,
  SignalRequest,
  SkipRequest,
  StartRequest,
} from './surface.ts';
import type { UplinkMeter } from './uplink-meter.ts';
import {
  finalStates,
  type BacklogQuery,
  type BacklogView,
  type LinkView,
  type RunDetailView,
} from './views.ts';
import { TerminalError } from './workflow.ts';

export interface LiveParts extends ReaderParts {
  readonly clock: Pick<Clock, 'nowMs' | 'monoMs' | 'wakeIn'>;
  readonly runtime: Runtime;
  readonly schedules: Schedules;
  /** Connects now, where there is a gateway. */
  readonly nudge: () => void;
  readonly rotateKey: () => Promise<KeyChanged>;
  readonly log: KeptLog;
  /** Version of Node. */
  readonly node: string;
  /** Absent: there is no gateway. */
  readonly uplinkMeter?: UplinkMeter | undefined;
}

/** The whole of what the socket serves. */
export class LiveSurface extends AgentReaderCore implements AgentSurface {
  readonly #live: LiveParts;
  readonly #runtime: Runtime;
  readonly #rates: BacklogRates;

  constructor(parts: LiveParts) {
    super(parts);
    this.#live = parts;
    this.#runtime = parts.runtime;
    this.#rates = new BacklogRates(parts.journal, parts.clock);
  }

  override async backlog(query: BacklogQuery = {}): Promise<BacklogView> {
    return { ...(await super.backlog(query)), rates: this.#rates.view() };
  }

  logs(query: { readonly after: number; readonly limit: number }): Promise<LogsView> {
    const { facts, log } = this.#live;
    const lines = log.lines(query);
    return Promise.resolve({ schema: 'holdfast.logs/1', device: facts.device, lines });
  }

  async startRun(request: StartRequest): Promise<{ id: string; created: boolean }> {
    const input = encodeValue(request.input, 'input');
    const started = await this.#runtime.start({ ...request, input });
    return { id: started.id, created: started.created };
  }

  async signal(request: SignalRequest): Promise<void> {
    const payload = encodeValue(request.payload, 'payload');
    await this.#runtime.signal({ ...request, payload });
  }

  async cancel(request: CancelRequest): Promise<void> {
    await this.#runtime.cancel(request);
  }

  async pause({ run, reason }: RepairRequest): Promise<void> {
    await this.#runtime.pause(run, reason);
  }

  async resume({ run }: { readonly run: string }): Promise<void> {
    await this.#runtime.resume(run);
  }

  async retry({ run, reason }: RepairRequest): Promise<void> {
    await this.#runtime.retry(run, reason);
  }

  async skip({ run, step, result }: SkipRequest): Promise<void> {
    await this.#runtime.skip({ run, step, result: encodeValue(result, 'result') });
  }

  async fork(request: ForkRequest): Promise<{ readonly id: string }> {
    return { id: await this.#runtime.fork(request) };
  }

  async complete({ token, result, error }: CompleteRequest): Promise<void> {
    const outcome =
      error === undefined
        ? { result: encodeValue(result, 'result') }
        : { error: new TerminalError(error) };
    await this.#runtime.complete(token, outcome);
  }

  async emit({ name, payload, lane = 'normal', subject }: EmitRequest): Promise<void> {
    await this.#runtime.emit({ name, payload: encodeValue(payload, 'payload'), lane, subject });
  }

  erase(request: EraseRequest): Promise<Erased> {
    return this.#runtime.erase(request);
  }

  pauseSchedule(id: string): Promise<void> {
    return this.#live.schedules.pause(id);
  }

  resumeSchedule(id: string): Promise<void> {
    return this.#live.schedules.resume(id);
  }

  async triggerSchedule(id: string): Promise<{ readonly run: string }> {
    return { run: await this.#live.schedules.trigger(id) };
  }

  async metrics(): Promise<string> {
    const { facts, node, journal, uplinkMeter } = this.#live;
    const labels = { version: facts.version, protocol: String(PROTOCOL_VERSION), node };
    return metricsText([
      gauge('build_info', 'What runs.', [{ labels, value: 1 }]),
      ...statusMetrics(await this.status()),
      ...journal.meter.metrics(),
      gauge('dead_letters', 'Entries set aside.', single(journal.dead.list().length)),
      ...(uplinkMeter?.metrics() ?? []),
      ...this.#runtime.metrics(),
    ]);
  }

  async nudge(): Promise<LinkView> {
    this.#live.nudge();
    return this.link();
  }

  rotateKey(): Promise<KeyChanged> {
    return this.#live.rotateKey();
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
