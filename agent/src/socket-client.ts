import type { IncomingMessage } from 'node:http';
import { HoldfastError, isErrorCode, toWellFormed } from '@holdfast/protocol/base';
import {
  askSocket,
  checkSocketPath,
  connectionError,
  silent,
  stranger,
  type Reply,
} from './ask-socket.ts';
import type { Erased, EraseRequest } from './core/erasure.ts';
import type {
  AgentReader,
  CancelRequest,
  CompleteRequest,
  EmitRequest,
  ForkRequest,
  RepairRequest,
  RevealOptions,
  SignalRequest,
  SkipRequest,
  SendBytes,
  StartRequest,
} from './core/surface.ts';
import type { JournalQuery } from './core/journal-filter.ts';
import type { LogsView } from './core/kept-log.ts';
import type { EnrollView } from './enroll-device.ts';
import type { RunsQuery } from './core/run-list.ts';
import type { SchedulesView } from './core/schedule-views.ts';
import type {
  BacklogQuery,
  BacklogView,
  HistoryView,
  JournalView,
  LinkView,
  RunDetailView,
  RunIdsView,
  RunsView,
  StatusView,
} from './core/views.ts';
import { lackingIn, viewFields } from './core/view-fields.ts';

/** A running agent answers within milliseconds; one that is stopped or thrashing does not. */
const ANSWER_MS = 10_000;
/** One poll of a wait; between polls the agent shows that it still lives. */
const POLL_MS = 60_000;

export interface StartedView {
  readonly schema: 'holdfast.started/1';
  readonly id: string;
  /** `false`: a run of this id and input was there already. */
  readonly created: boolean;
}

/** A wish about a run that is durable now. */
export interface AboutRun {
  readonly schema: string;
  readonly run: string;
}

export interface ForkedView {
  readonly schema: 'holdfast.forked/1';
  /** What it was forked from, and where. */
  readonly run: string;
  readonly step: string;
  /** The new run. */
  readonly id: string;
}

export interface NudgedView {
  readonly schema: 'holdfast.nudged/1';
  readonly link: LinkView;
}

export interface ErasedView extends Erased {
  readonly schema: 'holdfast.erased/1';
}

export interface TriggeredView {
  readonly schema: 'holdfast.schedule-triggered/1';
  readonly schedule: string;
  /** The run that was started. */
  readonly run: string;
}

/** Talks to a running agent over its socket. Every failure is a HoldfastError. */
export class SocketClient implements AgentReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  status(): Promise<StatusView> {
    return this.#view('status', '/v1/status');
  }

  backlog({ parts = false }: BacklogQuery = {}): Promise<BacklogView> {
    return this.#view('backlog', parts ? '/v1/backlog?parts=1' : '/v1/backlog');
  }

  runs(query: RunsQuery): Promise<RunsView> {
    const { all, states, workflow, prefix, q, synced, sinceMs, untilMs, limit, cursor } = query;
    const wanted = {
      ...{ all: all === true ? '1' : undefined, state: states?.join(','), workflow },
      ...{ prefix, q, synced: synced === true ? '1' : undefined },
      ...{ since: instant(sinceMs), until: instant(untilMs), limit: String(limit), cursor },
    };
    return this.#view('runs', `/v1/runs?${queryText(wanted)}`);
  }

  runIds(query: { readonly prefix: string; readonly limit: number }): Promise<RunIdsView> {
    const { prefix, limit } = query;
    return this.#get(`/v1/run-ids?prefix=${inPath(prefix)}&limit=${limit}`);
  }

  run(id: string, options: RevealOptions = {}): Promise<RunDetailView> {
    return this.#view('run', `${pathOf(id)}${revealQuery(options)}`);
  }

  history(id: string, options: RevealOptions = {}): Promise<HistoryView> {
    return this.#view('history', `${pathOf(id)}/history${revealQuery(options)}`);
  }

  journal({ lane, after, kinds, run, unsynced, hex, limit }: JournalQuery): Promise<JournalView> {
    const flag = (is: boolean | undefined) => (is === true ? '1' : undefined);
    const wanted = { kind: kinds?.join(','), run, unsynced: flag(unsynced), hex: flag(hex) };
    const query = queryText({ limit, lane, after, ...wanted });
    return this.#view('journal', `/v1/journal?${query}`);
  }

  logs({ after, limit }: { readonly after: number; readonly limit: number }): Promise<LogsView> {
    return this.#get(`/v1/logs?after=${after}&limit=${limit}`);
  }

  start({ traceparent, ...run }: StartRequest): Promise<StartedView> {
    return this.#post('/v1/runs', run, traceparent);
  }

  signal({ run, traceparent, ...signal }: SignalRequest): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/signals`, signal, traceparent);
  }

  cancel({ run, ...wish }: CancelRequest): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/cancel`, wish);
  }

  pause({ run, reason }: RepairRequest): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/pause`, { reason });
  }

  resume({ run }: { readonly run: string }): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/resume`, {});
  }

  retry({ run, reason }: RepairRequest): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/retry`, { reason });
  }

  skip({ run, ...skip }: SkipRequest): Promise<AboutRun> {
    return this.#post(`${pathOf(run)}/skip`, skip);
  }

  fork({ run, ...fork }: ForkRequest): Promise<ForkedView> {
    return this.#post(`${pathOf(run)}/fork`, fork);
  }

  complete(outcome: CompleteRequest): Promise<unknown> {
    return this.#post('/v1/complete', outcome);
  }

  emit(event: EmitRequest): Promise<unknown> {
    return this.#post('/v1/events', event);
  }

  erase(wish: EraseRequest): Promise<ErasedView> {
    return this.#post('/v1/erase', wish);
  }

  schedules(): Promise<SchedulesView> {
    return this.#view('schedules', '/v1/schedules');
  }

  pauseSchedule(id: string): Promise<object> {
    return this.#post(`/v1/schedules/${inPath(id)}/pause`, {});
  }

  resumeSchedule(id: string): Promise<object> {
    return this.#post(`/v1/schedules/${inPath(id)}/resume`, {});
  }

  triggerSchedule(id: string): Promise<TriggeredView> {
    return this.#post(`/v1/schedules/${inPath(id)}/trigger`, {});
  }

  async metrics(): Promise<string> {
    const { status, text } = await this.#ask({ method: 'GET', path: '/metrics' });
    if (status === 200) return text;
    throw asError(parse(text, this.#path), this.#path);
  }

  nudge(): Promise<NudgedView> {
    return this.#post('/v1/nudge', {});
  }

  rotateKey(): Promise<EnrollView> {
    return this.#post('/v1/rotate-key', {});
  }

  /** @throws HF_WAIT_TIMEOUT, HF_RUN_UNKNOWN */
  waitRun(run: string, timeoutMs: number): Promise<RunDetailView> {
    return this.#wait(`run=${inPath(run)}`, timeoutMs);
  }

  /** @throws HF_WAIT_TIMEOUT */
  waitSynced(timeoutMs: number): Promise<BacklogView> {
    return this.#wait('synced=1', timeoutMs);
  }

  /** Resolves once the agent has sent all; whether it is whole is in what it has sent. */
  async snapshot(send: SendBytes): Promise<void> {
    const incoming = await this.#stream('/v1/snapshot');
    if (incoming.statusCode !== 200) {
      const { text } = await import('node:stream/consumers');
      throw asError(parse(await text(incoming), this.#path), this.#path);
    }
    try {
      // The stream has no encoding set, so its chunks are buffers.
      for await (const chunk of incoming) await send(chunk as Buffer);
    } catch (error) {
      throw connectionError(this.#path, error);
    }
  }

  async #wait<T>(what: string, timeoutMs: number): Promise<T> {
    for (let leftMs = timeoutMs; ; leftMs -= POLL_MS) {
      const pollMs = Math.min(leftMs, POLL_MS);
      try {
        return await this.#get<T>(`/v1/wait?${what}&timeoutMs=${pollMs}`, pollMs + ANSWER_MS);
      } catch (error) {
        const isOver = leftMs <= POLL_MS;
        if (isOver || !(error instanceof HoldfastError && error.code === 'HF_WAIT_TIMEOUT')) {
          throw error;
        }
      }
    }
  }

  /** @throws HF_AGENT_OLDER when what the agent answers lacks what this version shows. */
  async #view<T>(name: keyof typeof viewFields, path: string): Promise<T> {
    const view = await this.#get<T>(path);
    const lacking = lackingIn(view, viewFields[name]);
    if (lacking === undefined) return view;
    const why = `its ${name} has no ${lacking}, which this command line shows`;
    throw new HoldfastError('HF_AGENT_OLDER', { why });
  }

  #get<T>(path: string, answerMs = ANSWER_MS): Promise<T> {
    return this.#send<T>({ method: 'GET', path, answerMs });
  }

  #post<T>(path: string, body: unknown, traceparent?: string): Promise<T> {
    return this.#send<T>({ method: 'POST', path, body, traceparent });
  }

  async #send<T>(call: CallOptions): Promise<T> {
    const { status, text } = await this.#ask(call);
    const value = parse(text, this.#path);
    if (status >= 200 && status < 300) return value as T;
    throw asError(value, this.#path);
  }

  #ask(call: CallOptions): Promise<Reply> {
    const { method, path, body, answerMs = ANSWER_MS, traceparent } = call;
    if (path.length > ASKED_MAX) {
      const why = `what is asked for has ${path.length} characters, of at most ${ASKED_MAX}`;
      return Promise.reject(new HoldfastError('HF_INPUT_INVALID', { why }));
    }
    return askSocket({
      ...{ socketPath: this.#path, method, path, answerMs },
      headers: traceparent === undefined ? {} : { traceparent },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** Resolves with an answer of any length, of which nothing was read yet. */
  async #stream(path: string): Promise<IncomingMessage> {
    checkSocketPath(this.#path);
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.#path, path, timeout: ANSWER_MS }, resolve);
      outgoing.on('timeout', () => outgoing.destroy(silent(this.#path, ANSWER_MS)));
      outgoing.on('error', (error) => reject(connectionError(this.#path, error)));
      outgoing.end();
    });
  }
}

function instant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** The parameters that are given, as they stand behind the `?` of an address. */
function queryText(wanted: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(wanted).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${inPath(String(value))}`],
  );
  return given.join('&');
}

function pathOf(run: string): string {
  return `/v1/runs/${inPath(run)}`;
}

/** Of an address; the agent takes 16 KiB with all that is around it. */
const ASKED_MAX = 8_192;

/** As a part of an address; half a character is told as one that is not known. */
function inPath(text: string): string {
  return encodeURIComponent(toWellFormed(text));
}

interface CallOptions {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly answerMs?: number;
  readonly traceparent?: string | undefined;
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw stranger(path, cause);
  }
}

function revealQuery({ reveal = false }: RevealOptions): string {
  return reveal ? '?reveal=1' : '';
}

/** Whether a failure says that no agent runs there, and not that one is silent or out of reach. */
export function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof HoldfastError) || error.code !== 'HF_AGENT_UNREACHABLE') return false;
  return ['ENOENT', 'ECONNREFUSED', 'ENAMETOOLONG'].includes(String(error.details['code']));
}

/** The error that the agent answered with, as it was thrown there. */
function asError(value: unknown, path: string): HoldfastError {
  const { error = {} } = value as { readonly error?: Readonly<Record<string, unknown>> };
  const { code, message, why } = error;
  if (isErrorCode(code)) {
    return new HoldfastError(code, { why: typeof why === 'string' ? why : undefined });
  }
  // Of a newer agent, whose codes this version does not know.
  return new HoldfastError('HF_INTERNAL', {
    why: [code, message, why].filter((part) => typeof part === 'string').join(': ') || path,
  });
}
