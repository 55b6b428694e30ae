import type { CallState } from './call.ts';
import type { ServiceState } from './handled-service.ts';

/** A call that waits for its handler, or for a person. */
export interface CallView {
  readonly service: string;
  /** With the service, it names the call. */
  readonly number: number;
  readonly state: CallState;
  readonly device: string;
  readonly run: string;
  /** The idempotency key that every attempt has. */
  readonly key: string;
  readonly requestedAt: string | null;
  /** By the clock of the device; `null`: never. */
  readonly expiresAt: string | null;
  /** Why it waits for a person; `null`: it does not. */
  readonly parked: {
    readonly at: string | null;
    readonly attempts: number;
    readonly code: string | null;
    readonly why: string;
  } | null;
}

export interface CallsView {
  readonly schema: 'holdfast.calls/1';
  readonly at: string;
  readonly calls: readonly CallView[];
  /** Give it as `after` for the page behind; `null`: this was the last. */
  readonly next: string | null;
}

export interface CallsQuery {
  readonly state: CallState;
  readonly service?: string | undefined;
  /** What the page before had as `next`. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ServiceView {
  readonly service: string;
  /** Calls in the ledger, each counted up to 1,000. */
  readonly pending: number;
  readonly parked: number;
  /** How this gateway is with it; `null`: it has no handler, or none runs. */
  readonly here: Omit<ServiceState, 'service'> | null;
}

export interface ServicesView {
  readonly schema: 'holdfast.services/1';
  readonly at: string;
  readonly services: readonly ServiceView[];
}

/** Which parked calls: one, or all of a service. */
export interface ParkedQuery {
  readonly service: string;
  readonly number?: number | undefined;
}

export interface UnparkedView {
  readonly schema: 'holdfast.unparked/1';
  readonly at: string;
  readonly service: string;
  readonly calls: number;
}

/** What the fleet offers to those who look after handlers. */
export interface FleetCalls {
  /** By service, the oldest first. @throws HF_REQUEST_INVALID for an `after` of no page. */
  calls(query: CallsQuery): Promise<CallsView>;
  /** Services that have a handler here, and those whose calls wait. */
  services(): Promise<ServicesView>;
  /** Has parked calls executed again. Durable. @throws HF_CALL_UNKNOWN */
  requeueCalls(query: ParkedQuery): Promise<UnparkedView>;
  /** Has parked calls fail on their devices. Durable. @throws HF_CALL_UNKNOWN */
  failCalls(query: ParkedQuery & { readonly reason: string }): Promise<UnparkedView>;
}
