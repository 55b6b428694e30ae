import { codeOf, decodeValue, encodeValue, HoldfastError, type Entry } from '@holdfast/protocol';
import type { AgentParts } from './agent.ts';
import {
  ENTITY_SIGNAL,
  type Entity,
  type EntityCommands,
  type EntityReply,
  type EntityStep,
} from './core/entity.ts';

type Argument<C> = C extends (state: never, argument: infer A, info: never) => unknown ? A : never;
type Result<C> = C extends (...args: never) => infer R
  ? Awaited<R> extends { readonly result: infer V }
    ? V
    : never
  : never;

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
    argument: Argument<C[K]>,
    options: { readonly id?: string } = {},
  ): Promise<string> {
    await this.#begin();
    const id = options.id ?? crypto.randomUUID();
    const payload = encodeValue({ id, command, argument }, 'argument');
    await this.#parts.runtime.signal({ run: this.id, name: ENTITY_SIGNAL, payload, id });
    return id;
  }

  /**
   * Hands a command over and resolves with its result once that is durable. What it threw after
   * its last attempt is the `cause` of HF_STEP_FAILED.
   */
  async call<K extends keyof C & string>(
    command: K,
    argument: Argument<C[K]>,
    options: { readonly id?: string } = {},
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
      await this.send(command, argument, { id });
      const earlier = (await this.#steps()).find((done) => done.id === id);
      const reply = earlier ?? (await replied);
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
    const last = (await this.#steps()).at(-1);
    if (last !== undefined) return last.state;
    const [first] = await this.#history();
    if (first?.kind !== 'run.started') throw new HoldfastError('HF_ENTRY_DAMAGED', { why: this.id });
    return (decodeValue(first.input) as { readonly state: S }).state;
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

  async #history() {
    const { runtime, store } = this.#parts;
    const rows = await store.history(await runtime.numberOf(this.id));
    return rows.map(({ entry }) => entry);
  }

  async #steps(): Promise<EntityStep<S>[]> {
    return (await this.#history()).flatMap((entry) => stepOf<S>(entry) ?? []);
  }
}

/** Every step of an entity is a command that was executed. */
function stepOf<S>(entry: Entry): EntityStep<S> | undefined {
  return entry.kind === 'step.completed' ? (decodeValue(entry.result) as EntityStep<S>) : undefined;
}
