import type { PendingCall } from './call.ts';

/** What a handler is told about the call besides its input. */
export interface HandlerInfo {
  /** The same in every attempt of this call, across restarts; no other call has it. */
  readonly idempotencyKey: string;
  readonly device: string;
  /** Id of the run that made the call. */
  readonly run: string;
  /** 1 in the first attempt since the gateway started. */
  readonly attempt: number;
  /** The call's place in a trace [W3C Trace Context], for what the handler asks of others. */
  readonly traceparent: string | undefined;
  /** Aborts when the attempt times out or the gateway closes. */
  readonly signal: AbortSignal;
  /**
   * Makes a result that is recorded in the same transaction as what `body` writes: both are there,
   * or neither is. The handler returns it: `return inTransaction(async (sql) => …)`. What `body`
   * gives is the result of the call. Takes a ledger in PostgreSQL, else the call ends with
   * HF_HANDLER_TRANSACTION. `body` runs when the handler has returned, and again in another attempt
   * where the transaction failed.
   */
  readonly inTransaction: <O>(body: (sql: SqlClient) => O | Promise<O>) => InTransaction<O>;
}

/** The database of the ledger, in one open transaction. */
export interface SqlClient {
  /** One statement. What begins or ends a transaction is refused. */
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{
    readonly rows: readonly Readonly<Record<string, unknown>>[];
    readonly rowCount: number | null;
  }>;
}

/** A result that a transaction makes. */
export class InTransaction<O> {
  readonly body: (sql: SqlClient) => O | Promise<O>;

  constructor(body: (sql: SqlClient) => O | Promise<O>) {
    this.body = body;
  }
}

/**
 * Does the work of a service. What it returns is the result of the call; it has to be a value that
 * can be stored. What it throws is repeated, unless the error says `retryable: false`. An error
 * with `retryAfterMs` has the whole service left alone for so long; one with `unavailable: true`
 * says that the service, and not this call, is what fails.
 *
 * It may run more than once for one call, always with the same `idempotencyKey`.
 */
export type Handler<I = never, O = unknown> = (
  input: I,
  info: HandlerInfo,
) => O | InTransaction<O> | Promise<O | InTransaction<O>>;

/**
 * Handlers of services that were declared once for both sides: `const handlers: Handlers<Shop>`.
 * The device calls them with `services<Shop>(ctx)`.
 */
export type Handlers<S extends Readonly<Record<string, (input: never) => unknown>>> = {
  readonly [N in keyof S]: Handler<Parameters<S[N]>[0], Awaited<ReturnType<S[N]>>>;
};

/** The outcome of an attempt: an encoded value, or what makes one in a transaction. */
export type CallOutcome = Uint8Array | InTransaction<Uint8Array>;

/** What a call is executed with: takes and gives encoded values. */
export type CallExecutor = (
  call: PendingCall,
  info: HandlerInfo,
) => CallOutcome | Promise<CallOutcome>;

export interface RepeatPolicy {
  /** Attempts in all, the first included. `Infinity` never gives up. */
  readonly attempts: number;
  /** Pause after the first failure, doubled for each next one. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/** Repeats and limits attempts: what needs timers and abort signals. */
export interface Attempts {
  /**
   * Repeats the attempt, which is given its number from 1, with pauses between. Rejects with the
   * last error when the attempts are used up, at once when an error is permanent, and with
   * HF_GATEWAY_CLOSED when another attempt would be due after `stop`.
   */
  repeat<T>(policy: RepeatPolicy, attempt: (number: number) => Promise<T>): Promise<T>;
  /**
   * Resolves or rejects as the body does. Rejects with HF_HANDLER_TIMEOUT after `timeoutMs` and
   * with HF_GATEWAY_CLOSED when the grace of `stop` is over; the signal aborts then, and how the
   * body ends is of no interest any more.
   */
  within<T>(timeoutMs: number, body: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Ends all pauses, repeats nothing any more, and aborts after `graceMs` what is under way. */
  stop(graceMs: number): void;
}
