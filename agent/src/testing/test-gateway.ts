import {
  HoldfastError,
  VALUE_INLINE_MAX,
  decodeEntry,
  decodeValue,
  encodeThrown,
  encodeValue,
  type Command,
  type EntryOf,
} from '@holdfast/protocol';
import type { Journal } from '../core/journal.ts';
import type { Life } from './life.ts';
import type { SimClock } from './sim-clock.ts';

/** What a handler is given besides its input. */
export interface TestCallInfo {
  /** The same in every attempt of this call. */
  readonly idempotencyKey: string;
  readonly run: string;
  readonly attempt: number;
}

/** Does the work of a call, as a handler at the gateway would. A throw is tried again. */
// Each service has an input of its own; the call's type says which.
export type TestHandler = (input: never, info: TestCallInfo) => unknown;
/** What executes calls in a test, by the names of services. */
export type TestHandlers = Readonly<Record<string, TestHandler>>;

/** As at a gateway: five attempts, 1 s, 2 s, 4 s, 8 s apart. */
const ATTEMPTS = 5;
const PAUSE_MS = 1_000;

/**
 * Takes the calls of a device and answers them, once each, whenever there is a link. It outlives
 * the device's process, and what it knows is never lost.
 */
export class TestGateway {
  handlers: TestHandlers;
  readonly #clock: SimClock;
  readonly #commands: Command[] = [];
  readonly #taken = new Set<string>();
  #open = 0;
  #executing = 0;

  constructor(handlers: TestHandlers, clock: SimClock) {
    this.handlers = handlers;
    this.#clock = clock;
  }

  /** Whether a handler is at work, or pauses before its next attempt. */
  get isBusy(): boolean {
    return this.#open > 0;
  }
  get isExecuting(): boolean {
    return this.#executing > 0;
  }

  /** Hands the device the results that it does not have. */
  async deliver(life: Life): Promise<void> {
    const unknown = this.#commands.slice(life.runtime.lastCommand());
    if (unknown.length > 0) await life.runtime.applyCommands(unknown);
  }

  /** Begins the calls that are new. @returns Whether there were any, or there are results. */
  async take({ journal, runtime }: Life): Promise<boolean> {
    const before = this.#taken.size;
    await this.#takeFrom(journal);
    return this.#taken.size > before || this.#commands.length > runtime.lastCommand();
  }

  async #takeFrom(journal: Journal): Promise<void> {
    const [{ head }] = journal.positions();
    for (const { bytes } of await journal.entries('urgent', 1, head)) {
      const entry = decodeEntry(bytes);
      if (entry.kind !== 'call.requested' || this.#taken.has(entry.key)) continue;
      if (!Object.hasOwn(this.handlers, entry.name)) continue;
      this.#taken.add(entry.key);
      void this.#carryOut(entry);
    }
  }

  async #carryOut(call: EntryOf<'call.requested'>): Promise<void> {
    this.#open += 1;
    const { run, op, key, expiresAtMs } = call;
    const outcome = await this.#attempts(call);
    const number = this.#commands.length + 1;
    this.#commands.push({ number, expiresAtMs, run, op, key, name: '', ...outcome });
    this.#open -= 1;
  }

  async #attempts(call: EntryOf<'call.requested'>): Promise<Pick<Command, 'kind' | 'payload'>> {
    for (let attempt = 1; ; attempt += 1) {
      this.#executing += 1;
      try {
        const handler = this.handlers[call.name];
        const info = { idempotencyKey: call.key, run: call.run, attempt };
        // The input is what the code of the call and its handler have agreed on.
        const result = await handler?.(decodeValue(call.input) as never, info);
        return { kind: 'call.completed', payload: encodeValue(result, 'result', VALUE_INLINE_MAX) };
      } catch (error) {
        if (attempt === ATTEMPTS || isFinal(error)) {
          return { kind: 'call.failed', payload: encodeThrown(error) };
        }
      } finally {
        this.#executing -= 1;
      }
      const pauseMs = PAUSE_MS * 2 ** (attempt - 1);
      await new Promise<void>((resolve) => this.#clock.wakeIn(pauseMs, resolve));
    }
  }
}

function isFinal(error: unknown): boolean {
  if (error instanceof HoldfastError) return error.retry === 'never';
  return error instanceof Error && error.name === 'TerminalError';
}
