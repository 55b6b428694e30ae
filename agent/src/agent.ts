import { join, resolve } from 'node:path';
import {
  HoldfastError,
  checkName,
  decodeValue,
  durationMs,
  encodeValue,
  type Duration,
} from '@holdfast/protocol';
import { openParts, type AgentParts } from './agent-parts.ts';
import type { AgentOptions, RunsFilter, ScheduleOptions, StartOptions } from './agent-options.ts';
import { isSynced } from './core/agent-surface.ts';
import type { Entity, EntityCommands } from './core/entity.ts';
import type { Erased } from './core/erasure.ts';
import { SOCKET_NAME, type AgentSurface } from './core/surface.ts';
import type { RunsView, StatusView } from './core/views.ts';
import type { EmitOptions, Workflow } from './core/workflow.ts';
import { EntityHandle } from './entity-handle.ts';
import { idle } from './idle.ts';
import { serveNoted } from './io/socket-note.ts';
import { checkSocketPath } from './io/socket-path.ts';
import type { SocketServer } from './io/socket-server.ts';
import { RunHandle } from './run-handle.ts';
import { ScheduleHandle } from './schedule-handle.ts';

/** How long steps at work may take to end after `close`, before their signals abort. */
const CLOSE_GRACE_MS = 2_000;

/**
 * The process's hold on a device: runs its workflows, journals what they do, and keeps the ledger
 * up to date when there is a link.
 */
export class Agent {
  /** What the socket serves. */
  readonly surface: AgentSurface;
  /**
   * Resolves when this agent cannot go on: close it, and open another one. Either stable storage
   * failed and nothing is journaled any more; or, with HF_JOURNAL_REWOUND or HF_CHAIN_BROKEN, the
   * ledger has another life of this journal, and the next open begins a new epoch: until then runs
   * go on, and nothing is sent.
   */
  readonly failed: Promise<HoldfastError>;
  readonly #parts: AgentParts;
  #server: SocketServer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: AgentParts) {
    this.#parts = parts;
    this.surface = parts.surface;
    this.failed = Promise.race([parts.journal.failed, parts.lifeEnd.ended]);
  }

  /**
   * Opens the data directory and goes on where it was left: runs that were at work go on, timers
   * that came due meanwhile fire, and what the ledger lacks is sent.
   *
   * @throws HF_CONFIG_INVALID, HF_GATEWAY_ADDRESS, HF_WORKFLOW_DUPLICATE before anything is
   *   touched; HF_DATA_DIR_UNUSABLE, HF_DATA_DIR_OTHER_DEVICE, HF_STORE_LOCKED, HF_STORE_FORMAT,
   *   HF_STORE_KEY, HF_STORE_DAMAGED, HF_SOCKET_TAKEN.
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const socket = socketOf(options);
    if (socket !== undefined) checkSocketPath(socket);
    const parts = await openParts(options);
    const agent = new Agent(parts);
    try {
      if (socket !== undefined) await agent.#serve(socket);
    } catch (error) {
      await agent.close();
      throw error;
    }
    parts.retention.start();
    parts.relief.start();
    parts.compaction.start();
    parts.uplink?.start();
    return agent;
  }

  /**
   * Starts a run. It would survive a power cut once this resolves.
   *
   * @throws HF_WORKFLOW_UNKNOWN, HF_RUN_CONFLICT, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_VALUE_*,
   *   HF_JOURNAL_*.
   */
  async start<I, O>(
    workflow: Workflow<I, O>,
    input: NoInfer<I>,
    options: StartOptions = {},
  ): Promise<RunHandle<O>> {
    const encoded = encodeValue(input, 'input');
    const request = { ...options, workflow: workflow.name, input: encoded };
    const { id } = await this.#parts.runtime.start(request);
    return new RunHandle<O>(this.#parts, id);
  }

  /** A run that was started, in this process or before. @throws HF_RUN_UNKNOWN */
  async run<O = unknown>(id: string): Promise<RunHandle<O>> {
    await this.#parts.runtime.numberOf(id);
    return new RunHandle<O>(this.#parts, id);
  }

  /** One key of an entity, which must be among the workflows of this agent. */
  entity<S, C extends EntityCommands<S>>(of: Entity<S, C>, key: string): EntityHandle<S, C> {
    return new EntityHandle(this.#parts, of, checkName('key', key));
  }

  /**
   * One page of runs, newest first; without `all` or `state`, those that have not ended. `next` is
   * the cursor of the page behind it, `null` at the end: no run comes twice, and none is left out
   * that was there from the first page to the last.
   *
   * @throws HF_INPUT_INVALID for a cursor that is none.
   */
  runs(filter: RunsFilter = {}): Promise<RunsView> {
    const { state, since, until, limit = 100, ...rest } = filter;
    const states = state === undefined || Array.isArray(state) ? state : [state];
    const [sinceMs, untilMs] = [since, until].map((at) => (at === undefined ? at : Number(at)));
    return this.surface.runs({ ...rest, states, sinceMs, untilMs, limit });
  }

  /** Completes a step that is `external`, by its token. Durable. @throws HF_TOKEN_INVALID */
  async complete(token: string, result?: unknown): Promise<void> {
    await this.#parts.runtime.complete(token, { result: encodeValue(result, 'result') });
  }

  /** Fails a step that is `external`, by its token: no further attempt is made. Durable. */
  async fail(token: string, error: unknown): Promise<void> {
    await this.#parts.runtime.complete(token, { error });
  }

  /** Journals an event outside any run. It would survive a power cut once this resolves. */
  async emit(name: string, payload?: unknown, options: EmitOptions = {}): Promise<void> {
    const encoded = encodeValue(payload, 'payload');
    const { lane = 'normal', subject } = options;
    await this.#parts.runtime.emit({ name, payload: encoded, lane, subject });
  }

  /**
   * Deletes what this device holds on a subject, sent or not: the values of its runs, signals and
   * events. Entries that were not sent yet reach the ledger without them. Durable, and gone from
   * the files of the store, once it resolves.
   *
   * @throws HF_SUBJECT_NEEDED while a run that has not ended needs it; `force` ends such runs.
   */
  erase(subject: string, options: { force?: boolean } = {}): Promise<Erased> {
    return this.#parts.runtime.erase({ subject, ...options });
  }

  /**
   * Starts a run at each slot of a cron expression, exactly one a slot: the slot is part of the
   * run's id, and is journaled with its start. Deals with the slots that were missed since this
   * schedule was here last. That it exists is durable once this resolves.
   *
   * Nothing starts before the wall clock can be believed: not before this version was made, and
   * not before what was journaled last, unless the clock was set since.
   *
   * @throws HF_CRON_INVALID, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_DURATION_INVALID,
   *   HF_WORKFLOW_UNKNOWN, HF_VALUE_*, HF_SCHEDULE_DUPLICATE.
   */
  async schedule<I, O = unknown>(
    options: ScheduleOptions<I> & { readonly workflow: string | Workflow<I, O> },
  ): Promise<ScheduleHandle<O>> {
    const { workflow } = options;
    const name = typeof workflow === 'string' ? workflow : workflow.name;
    const id = await this.#parts.schedules.add({ ...options, workflow: name });
    return new ScheduleHandle<O>(this.#parts, id);
  }

  /**
   * What the gateway has set on this device under a name, by the command `set`; `undefined`:
   * nothing. It stays when the agent ends, and while the gateway is away.
   */
  async config(name: string): Promise<unknown> {
    const encoded = await this.#parts.runtime.config(name);
    return encoded && decodeValue(encoded);
  }

  /** Calls `listener` with the name of what the gateway sets, once durable. @returns Stops. */
  onConfig(listener: (name: string) => void): () => void {
    return this.#parts.runtime.onConfigured(listener);
  }

  status(): Promise<StatusView> {
    return this.surface.status();
  }

  /** Whether the ledger has everything that is journaled here. */
  get isSynced(): boolean {
    return isSynced(this.#parts.journal);
  }

  /** Resolves once the ledger has everything. @throws HF_WAIT_TIMEOUT; default timeout 30 s. */
  async synced(options: { timeout?: Duration } = {}): Promise<void> {
    await this.surface.waitSynced({ timeoutMs: durationMs(options.timeout ?? '30s') });
  }

  /** Somebody knows that the network is up: try to connect now. */
  nudge(): void {
    this.#parts.uplink?.nudge();
  }

  /**
   * Ends in order: no new work, steps at work may end within two seconds and are aborted then,
   * what was appended is committed. Runs go on at the next open. Once is enough.
   */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const { uplink, retention, relief, compaction, runtime } = this.#parts;
    const { schedules, clock, journal, dir } = this.#parts;
    await this.#server?.close();
    schedules.close();
    retention.close();
    await idle(runtime, CLOSE_GRACE_MS);
    const reason = new HoldfastError('HF_AGENT_CLOSED');
    await runtime.close(reason);
    // What they wait for may be a disk that fails: the end of the journal ends that.
    const ended = Promise.all([relief.close(), compaction.close()]);
    this.#parts.room.close();
    await uplink?.close();
    clock.close();
    await journal.close(reason);
    await ended;
    this.#parts.unwatch();
    await dir.release();
  }

  async #serve(path: string): Promise<void> {
    const { dir, log } = this.#parts;
    this.#server = await serveNoted(dir.path, { path, surface: this.surface, log });
  }
}

function socketOf({ dataDir, socket }: AgentOptions): string | undefined {
  return socket === true ? join(resolve(dataDir), SOCKET_NAME) : socket && resolve(socket);
}
