import { catchUpMs, type SocketServerOptions } from '@holdfast/agent/internal';
import { HoldfastError, lanes, type Lane } from '@holdfast/protocol';

type Surface = SocketServerOptions['surface'];
type Status = Awaited<ReturnType<Surface['status']>>;
type Backlog = Awaited<ReturnType<Surface['backlog']>>;
type Runs = Awaited<ReturnType<Surface['runs']>>;
type Run = Awaited<ReturnType<Surface['run']>>;
type History = Awaited<ReturnType<Surface['history']>>;

const states: ReadonlyMap<string, Run['state']> = new Map([
  ['busy', 'retrying'],
  ['done', 'completed'],
  ['broken', 'failed'],
  ['cancelled', 'cancelled'],
]);

const AT = '2026-05-04T03:02:01.000Z';
const timed = { at: AT, clock: 'ok', deviceAt: null } as const;

const space = {
  ...{ usedBytes: 2_000, maxBytes: 1_000_000, fileBytes: 5_000, diskFreeBytes: 9_000_000 },
  syncMs: { count: 256, p50: 1.24, p99: 12, max: 2_100 },
};
/** Entries a second. */
const usualPerS = 180;
const noHoles = { count: 0, entries: 0, bytes: 0 };

function inList(run: Run): Runs['runs'][number] {
  const {
    schema: _,
    input: _input,
    lastError: _error,
    waitsFor: _waits,
    history: _all,
    uid: _uid,
    ...row
  } = run;
  return row;
}

/**
 * A surface whose answers are set by hand: one workflow `checkout`, and runs `done`, `broken`,
 * `cancelled` and `busy`. Keeps what was asked of it.
 */
export class ScriptedSurface implements Surface {
  readonly calls: { readonly name: string; readonly request: unknown }[] = [];
  readonly started = new Map<string, string>();
  pending = 1_284;
  /** Of each lane. */
  head = 48_213;
  lanes: readonly Lane[] = lanes;
  link: Status['link'] = {
    state: 'offline',
    gateway: 'mqtt://gateway.example:1883',
    since: AT,
    lastAckAt: AT,
    nextTryAt: new Date(Date.now() + 3_600_000).toISOString(),
    attempt: 58,
    problem: { code: 'HF_GATEWAY_UNREACHABLE', message: 'ENETUNREACH', hint: 'Check the cable.' },
    resends: 0,
    metered: null,
  };
  get fullInMs(): number | null {
    return this.link.state === 'offline' ? 38 * 86_400_000 : null;
  }
  /** What the next call fails with, whatever it is. */
  failure: Error | undefined;

  async status(): Promise<Status> {
    this.#note('status', undefined);
    const { pending, bytes, oldestAt, holes, lanes: laneRows } = await this.backlog();
    return {
      schema: 'holdfast.status/1',
      device: 'pump-017',
      epoch: 3,
      key: null,
      certificate: null,
      agent: {
        ...{ version: '0.1.0', running: true, pid: 812, startedAt: AT },
        ...{ lastEnd: 'clean', tornBytes: 0 },
      },
      clock: { source: 'gateway', at: AT, wallAheadMs: 0 },
      link: this.link,
      journal: { state: 'ok', since: null, problem: null, ...space, fullInMs: this.fullInMs },
      backlog: {
        ...{ pending, bytes, oldestAt, holes, setAside: [], lanes: laneRows },
        ...{ usualPerS, catchUpMs: catchUpMs({ state: this.link.state, pending, usualPerS }) },
      },
      runs: { running: 4, stuck: 1, completed: 311 },
      schedules: { active: 1, 'waiting-for-time': 2 },
      problems: [{ code: 'HF_CODE_MISMATCH', message: 'run x is stuck', hint: 'Mend the code.' }],
    };
  }

  backlog({ parts = false }: Parameters<Surface['backlog']>[0] = {}): Promise<Backlog> {
    this.#note('backlog', undefined);
    const { pending } = this;
    const bytes = pending * 100;
    const oldestAt = pending === 0 ? null : AT;
    return Promise.resolve({
      schema: 'holdfast.backlog/1',
      device: 'pump-017',
      at: new Date().toISOString(),
      link: this.link,
      pending,
      bytes,
      oldestAt,
      holes: noHoles,
      setAside: [],
      lanes: this.lanes.map((lane) => {
        const own = lane === 'normal' ? pending : 0;
        const acked = this.head - own;
        const oldest = own === 0 ? null : AT;
        const seqs = { head: this.head, sent: acked, acked };
        return { lane, ...seqs, pending: own, bytes, holes: noHoles, oldestAt: oldest };
      }),
      rates: { overMs: 30_000, inPerS: 0.1, outPerS: 0 },
      ...(parts && pending > 0 ? { parts: partsOf(pending, oldestAt) } : {}),
    });
  }

  async runs(query: Parameters<Surface['runs']>[0]): Promise<Runs> {
    this.#note('runs', query);
    const all = query.all === true ? ['busy', 'done', 'broken', 'cancelled'] : ['busy'];
    const ids = all.slice(Number(query.cursor ?? 0));
    const synced = query.synced === true ? { synced: { entries: 9, acked: 6 } } : {};
    const shown = ids.slice(0, query.limit).map((id) => this.run(id));
    const rows = (await Promise.all(shown)).map((run) => ({ ...run, ...synced }));
    const next = ids.length > query.limit ? String(all.length - ids.length + query.limit) : null;
    return { schema: 'holdfast.runs/1', device: 'pump-017', runs: rows.map(inList), next };
  }

  runIds({ prefix, limit }: { readonly prefix: string; readonly limit: number }) {
    this.#note('runIds', prefix);
    const ids = [...states.keys()].filter((id) => id.startsWith(prefix)).toSorted();
    return Promise.resolve({ schema: 'holdfast.run-ids/1' as const, ids: ids.slice(0, limit) });
  }

  run(id: string): Promise<Run> {
    this.#note('run', id);
    const state = states.get(id);
    if (state === undefined) {
      return Promise.reject(new HoldfastError('HF_RUN_UNKNOWN', { why: `no run ${id}` }));
    }
    return Promise.resolve({
      schema: 'holdfast.run/1',
      id,
      workflow: 'checkout',
      version: 1,
      state,
      status: 'your order will be confirmed shortly',
      at: 'authorize-payment',
      attempt: 2,
      startedAt: AT,
      updatedAt: AT,
      nextAt: state === 'retrying' ? this.link.nextTryAt : null,
      input: { id: 'A-1', total: 12.5 },
      uid: 'u-A-1',
      lastError: state === 'retrying' ? lastError : null,
      waitsFor: state === 'retrying' ? 'the next attempt of authorize-payment' : null,
      history: [
        { n: 1, lane: 'normal', seq: 46_911, kind: 'step.completed', ...timed, ...rest },
        { n: 2, lane: 'normal', seq: 46_912, kind: 'signal.received', ...timed, ...long },
      ],
      ...(id === 'done' ? { output: { paid: true } } : {}),
      ...(id === 'broken' ? { error: { name: 'TypeError', message: 'no\u001b[2Jpaper' } } : {}),
    });
  }

  settings() {
    this.#note('settings', undefined);
    const settings = [{ name: 'report.every', value: { minutes: 15 } }];
    const schema = 'holdfast.settings/1' as const;
    return Promise.resolve({ schema, device: 'pump-017', settings });
  }

  journal(query: Parameters<Surface['journal']>[0]) {
    this.#note('journal', query);
    const lane = 'normal' as const;
    const row = { lane, seq: 48_213, ...timed, kind: 'step.completed', run: 'A-1' };
    const isPast = query.after !== undefined && query.after >= row.seq;
    const isOther = query.lane !== undefined && query.lane !== row.lane;
    const { name, synced, value } = rest;
    const hex = query.hex === true ? { hex: '8100' } : {};
    const rows = isPast || isOther ? [] : [{ ...row, name, synced, value, bytes: 388, ...hex }];
    return Promise.resolve({
      schema: 'holdfast.journal/1' as const,
      device: 'pump-017',
      epoch: 3,
      rows,
    });
  }

  async snapshot(send: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    this.#note('snapshot', undefined);
    await send(Buffer.from('snapshot'));
  }

  startRun(request: { workflow: string; input: unknown; id?: string | undefined }) {
    this.#note('startRun', request);
    const { workflow, input, id = `run-${this.started.size + 1}` } = request;
    if (workflow !== 'checkout') {
      return Promise.reject(new HoldfastError('HF_WORKFLOW_UNKNOWN', { why: workflow }));
    }
    const text = JSON.stringify(input) ?? '';
    const before = this.started.get(id);
    if (before !== undefined && before !== text) {
      return Promise.reject(new HoldfastError('HF_RUN_CONFLICT', { why: id }));
    }
    this.started.set(id, text);
    return Promise.resolve({ id, created: before === undefined });
  }

  async signal(request: { readonly run: string }): Promise<void> {
    this.#note('signal', request);
    await this.run(request.run);
  }

  cancel(request: { readonly run: string; readonly reason: string }): Promise<void> {
    return this.#do('cancel', request);
  }

  pause(request: { readonly run: string; readonly reason: string }): Promise<void> {
    return this.#do('pause', request);
  }

  resume(request: { readonly run: string }): Promise<void> {
    return this.#do('resume', request);
  }

  retry(request: { readonly run: string; readonly reason: string }): Promise<void> {
    return this.#do('retry', request);
  }

  skip(request: { readonly run: string; readonly step: string }): Promise<void> {
    return this.#do('skip', request);
  }

  async fork(request: { readonly run: string; readonly id?: string | undefined }) {
    this.#note('fork', request);
    await this.run(request.run);
    return { id: request.id ?? 'forked-1' };
  }

  complete(request: { readonly token: string }): Promise<void> {
    this.#note('complete', request);
    if (request.token === 'hft_1_1_a') return Promise.resolve();
    return Promise.reject(new HoldfastError('HF_TOKEN_INVALID', { why: request.token }));
  }

  emit(request: unknown): Promise<void> {
    this.#note('emit', request);
    return Promise.resolve();
  }

  erase(request: unknown): ReturnType<Surface['erase']> {
    this.#note('erase', request);
    return Promise.resolve({ contents: 2, bytes: 60, cancelled: ['run-1'] });
  }

  schedules(): ReturnType<Surface['schedules']> {
    this.#note('schedules', undefined);
    return Promise.resolve({
      schema: 'holdfast.schedules/1',
      device: 'pump-017',
      schedules: [
        {
          ...{ id: 'report', workflow: 'busy', cron: '0 3 * * *', timezone: 'Europe/Berlin' },
          ...{ missed: 'latest', overlap: 'buffer-one', state: 'active', nextAt: AT },
          ...{ lastSlotAt: AT, lastRun: 'report@2026-05-04T03:00:00.000Z', buffered: 1 },
        },
      ],
    });
  }

  pauseSchedule(id: string): Promise<void> {
    return Promise.resolve(this.#note('pauseSchedule', id));
  }

  resumeSchedule(id: string): Promise<void> {
    return Promise.resolve(this.#note('resumeSchedule', id));
  }

  triggerSchedule(id: string): Promise<{ readonly run: string }> {
    this.#note('triggerSchedule', id);
    return Promise.resolve({ run: `${id}@now-1` });
  }

  logs(query: { readonly after: number }) {
    this.#note('logs', query);
    const lines = [
      { n: 1, at: AT, level: 'info' as const, message: 'uplink offline', fields: { attempt: 58 } },
      { n: 2, at: AT, level: 'error' as const, message: 'run is stuck', fields: { run: 'x' } },
    ].filter(({ n }) => n > query.after);
    return Promise.resolve({ schema: 'holdfast.logs/1' as const, device: 'pump-017', lines });
  }

  metrics(): Promise<string> {
    this.#note('metrics', undefined);
    return Promise.resolve('# TYPE holdfast_runs gauge\nholdfast_runs{state="stuck"} 1\n');
  }

  nudge(): Promise<Status['link']> {
    this.#note('nudge', undefined);
    return Promise.resolve(this.link);
  }

  rotateKey() {
    this.#note('rotateKey', undefined);
    const certificateUntil = '2036-03-01T12:00:00.000Z';
    const gateway = 'mqtts://gw.example:8883';
    return Promise.resolve({ device: 'pump-017', key: '0'.repeat(32), gateway, certificateUntil });
  }

  async history(id: string): Promise<History> {
    this.#note('history', id);
    const { workflow, version, state } = await this.run(id);
    const entry = { n: 0, lane: 'normal' as const, seq: 1, bytes: '8100', entry: null };
    const place = { device: 'pump-017', epoch: 3, run: id };
    const schema = 'holdfast.history/1';
    return { schema, ...place, workflow, version, state, entries: [entry] };
  }

  async waitRun(query: { readonly run: string; readonly timeoutMs: number }): Promise<Run> {
    const view = await this.run(query.run);
    if (view.state !== 'retrying') return view;
    return this.#never(query.timeoutMs);
  }

  waitSynced(query: { readonly timeoutMs: number }): Promise<Backlog> {
    return this.pending === 0 ? this.backlog() : this.#never(query.timeoutMs);
  }

  /** What can be done with runs that have not ended. */
  async #do(name: string, request: { readonly run: string }): Promise<void> {
    this.#note(name, request);
    const { state } = await this.run(request.run);
    if (state === 'completed') throw new HoldfastError('HF_RUN_FINISHED', { why: request.run });
  }

  #never(timeoutMs: number): Promise<never> {
    return new Promise((_, reject) => {
      setTimeout(() => reject(new HoldfastError('HF_WAIT_TIMEOUT')), timeoutMs);
    });
  }

  #note(name: string, request: unknown): void {
    this.calls.push({ name, request });
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

function partsOf(pending: number, oldestAt: string | null) {
  const row = (workflow: string | null, share: number, runs: number) => ({
    ...{ workflow, pending: share, bytes: share * 100, oldestAt, runs },
  });
  return {
    read: pending,
    byWorkflow: [row('read-meter', pending - 24, 320), row('checkout', 20, 5), row(null, 4, 0)],
    byKind: [
      { kind: 'step.completed', pending: pending - 4, bytes: (pending - 4) * 100 },
      { kind: 'event.emitted', pending: 4, bytes: 400 },
    ],
  };
}

const rest = {
  ...{ name: 'take-order', attempt: 1, synced: false, value: { ok: true } },
  ...{ op: 1, tookMs: 14 },
};

const long = {
  ...{ name: 'photo', attempt: null, synced: false, value: 'x'.repeat(50_000) },
  ...{ op: null, tookMs: null },
};

const lastError = {
  ...{ name: 'Error', message: 'no\u001b[2Jcarrier', code: 'ENETUNREACH' },
  ...{ step: 'authorize-payment', attempt: 2, at: AT },
};
