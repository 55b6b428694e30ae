import { codeOf, decodeValue, encodeValue, HoldfastError, type Entry } from '@holdfast/protocol';
import type { AgentParts } from './agent-parts.ts';
import {
  ENTITY_SIGNAL,
  type Entity,
  type EntityCommands,
  type EntityInput,
  type EntityReply,
  type EntityRequest,
  type EntityStep,
} from './core/entity.ts';
import type { SignalArguments } from './core/signal.ts';

type Argument<C> = C extends (state: never, argument: infer A, info: never) => unknown ? A : never;
type Result<C> = C extends (...args: never) => infer R
  ? Awaited<R> extends { readonly result: infer V }
    ? V
    : never
  : never;

interface CommandOptions {
  /** Counts once. Default: a new one. */
  readonly id?: string;
}

/** One key of an entity. Its state is made at the first command. */
export class EntityHandle<S, C extends EntityCommands<S>> {
  readonly id: string;
  readonly #parts: Pick<AgentParts, 'runtime' | 'store'>;
  readonly #entity: Entity<S, C>;
  readonly #key: string;

  constructor(parts: Pick<AgentParts, 'runtime' | 'store'>, entity: Entity<S, C>, key: string) {
    this.#parts = parts;
    this.#entity = entity;
    this.#key = key;
    this.id = `${entity.name}/${key}`;
  }

  /** Hands a command over. Durable once it resolves; the same id counts once. */
  async send<K extends keyof C & string>(
    command: K,
    ...[argument, options = {}]: SignalArguments<Argument<C[K]>, CommandOptions>
  ): Promise<string> {
    const id = options.id ?? crypto.randomUUID();
    await this.#send({ id, command, argument });
    return id;
  }

  /**
   * Hands a command over and resolves with its result once that is durable. A command that is sent
   * again resolves with the result of then.
   *
   * @throws HF_STEP_FAILED, its `cause` what the command threw after its last attempt;
   *   HF_REPLY_FORGOTTEN for a command that was executed long before.
   */
  async call<K extends keyof C & string>(
    command: K,
    ...[argument, options = {}]: SignalArguments<Argument<C[K]>, CommandOptions>
  ): Promise<Result<C[K]>> {
    const id = options.id ?? crypto.randomUUID();
    let stop = (): void => undefined;
    try {
      // Listened for before it is sent: the reply may come at once.
      const replied = new Promise<EntityReply>((resolve) => {
        stop = this.#parts.runtime.onEntry(this.id, (entry) => {
          const done = stepOf<S>(entry);
          if (done?.id === id) resolve(done);
        });
      });
      await this.#send({ id, command, argument });
      const reply = (await this.#earlierReply(id)) ?? (await replied);
      if ('error' in reply) throw decodeValue(reply.error);
      // The reply to this command is what this command gave.
      return reply.result as Result<C[K]>;
    } finally {
      stop();
    }
  }

  /** The state behind the last command that was executed. */
  async state(): Promise<S> {
    await this.#begin();
    const history = await this.#history();
    const last = history.findLast((entry) => entry.kind === 'step.completed');
    const done = last === undefined ? undefined : stepOf<S>(last);
    return done === undefined ? this.#inputOf(history).state : done.state;
  }

  async #send(request: EntityRequest): Promise<void> {
    await this.#begin();
    const { id } = request;
    const payload = encodeValue(request, 'argument');
    await this.#parts.runtime.signal({ run: this.id, name: ENTITY_SIGNAL, payload, id });
  }

  async #begin(): Promise<void> {
    const { runtime } = this.#parts;
    try {
      await runtime.numberOf(this.id);
    } catch (error) {
      if (codeOf(error) !== 'HF_RUN_UNKNOWN') throw error;
      const input = encodeValue({ state: this.#entity.initial(this.#key), recent: [] }, 'state');
      await runtime.start({ workflow: this.#entity.name, input, id: this.id });
    }
  }

  /** The reply to a command that was accepted; `undefined`: it is still to come. */
  async #earlierReply(id: string): Promise<EntityReply | undefined> {
    const history = await this.#history();
    for (const entry of history.toReversed()) {
      const done = stepOf<S>(entry);
      if (done?.id === id) return done;
      // What was accepted in this history, or carried into it, is executed in it or in the next.
      if (entry.kind === 'signal.received' && entry.id === id) return undefined;
    }
    const reply = this.#inputOf(history).recent.find((each) => each.id === id);
    if (reply !== undefined) return reply;
    throw new HoldfastError('HF_REPLY_FORGOTTEN', { why: `command ${id}` });
  }

  async #history(): Promise<Entry[]> {
    const { runtime, store } = this.#parts;
    return store.history(await runtime.numberOf(this.id));
  }

  #inputOf([first]: readonly Entry[]): EntityInput<S> {
    // As `#begin` and its workflow made it.
    if (first?.kind === 'run.started') return decodeValue(first.input) as EntityInput<S>;
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: this.id });
  }
}

/** Every step of an entity is a command that was executed. */
function stepOf<S>(entry: Entry): EntityStep<S> | undefined {
  return entry.kind === 'step.completed' ? (decodeValue(entry.result) as EntityStep<S>) : undefined;
}
