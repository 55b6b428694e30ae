import { HoldfastError, messageOf, type Clock, type Log } from '@holdfast/protocol';

/** A state of the world, looked at while something waits for it. */
export interface Condition {
  /** Whether it holds now. Called every `everyMs` while something waits. A throw means no. */
  check(): boolean | Promise<boolean>;
  readonly everyMs: number;
}

/** Gives the condition of a name, or `undefined` when there is none. */
export type ConditionOf = (name: string) => Condition | undefined;

interface Watch {
  readonly condition: Condition;
  readonly waiters: Set<() => void>;
  cancel: (() => void) | undefined;
}

/** Who waits for what, and looking at it as long as somebody does. */
export class Conditions {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #conditionOf: ConditionOf;
  readonly #watches = new Map<string, Watch>();

  constructor(parts: { readonly clock: Clock; readonly log: Log; readonly of: ConditionOf }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#conditionOf = parts.of;
  }

  /** The first of the names that does not hold now. @throws HF_CONDITION_UNKNOWN */
  async firstUnmet(names: readonly string[]): Promise<string | undefined> {
    for (const name of names) {
      if (!(await this.#holds(name, this.#named(name)))) return name;
    }
    return undefined;
  }

  /** Calls `wake` once when the condition holds. @throws HF_CONDITION_UNKNOWN */
  wait(name: string, wake: () => void): void {
    const watch = this.#watches.get(name) ?? {
      condition: this.#named(name),
      waiters: new Set(),
      cancel: undefined,
    };
    this.#watches.set(name, watch);
    watch.waiters.add(wake);
    this.#look(name, watch);
  }

  /** Something happened that may make conditions hold: looks at all that are waited for. */
  nudge(): void {
    for (const [name, watch] of this.#watches) void this.#tryWake(name, watch);
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.cancel?.();
    this.#watches.clear();
  }

  #named(name: string): Condition {
    const condition = this.#conditionOf(name);
    if (condition === undefined) throw new HoldfastError('HF_CONDITION_UNKNOWN', { why: name });
    return condition;
  }

  #look(name: string, watch: Watch): void {
    watch.cancel ??= this.#clock.wakeIn(watch.condition.everyMs, () => {
      watch.cancel = undefined;
      void this.#tryWake(name, watch).then(() => {
        if (this.#watches.get(name) === watch) this.#look(name, watch);
      });
    });
  }

  async #tryWake(name: string, watch: Watch): Promise<void> {
    if (!(await this.#holds(name, watch.condition))) return;
    if (this.#watches.get(name) !== watch) return;
    this.#watches.delete(name);
    watch.cancel?.();
    for (const wake of watch.waiters) wake();
  }

  async #holds(name: string, condition: Condition): Promise<boolean> {
    try {
      return await condition.check();
    } catch (error) {
      this.#log.debug('condition could not be looked at', { name, why: messageOf(error) });
      return false;
    }
  }
}
