import type {
  CallResult,
  DeviceClocks,
  HandlersLedger,
  Ledger,
  Parking,
  PendingCall,
} from '@holdfast/gateway/internal';
import { HoldfastError, decodeValue, encodeValue, type Command } from '@holdfast/protocol';
import { PATIENCE_MS } from './patience.ts';

/** The part of a ledger that handlers see, over a list. */
export class Calls implements HandlersLedger {
  readonly results = new Map<string, CallResult>();
  readonly parkings = new Map<string, Parking>();
  readonly #pending: PendingCall[] = [];
  readonly #watchers = new Set<() => void>();
  /** How often `completeCall` is to fail from now on. */
  failures = 0;

  add(service: string, input: unknown = null, more: Partial<PendingCall> = {}): PendingCall {
    const op = this.#pending.length + this.results.size;
    const call: PendingCall = {
      ordinal: op + 1,
      device: 'pump-1',
      epoch: 1,
      run: `run-${op}`,
      op,
      service,
      key: `pump-1/run-${op}/${op}`,
      input: encodeValue(input),
      requested: { atMs: Date.now(), boot: 1, monoMs: 1 },
      expiresAtMs: 0,
      traceparent: '',
      lane: 'urgent',
      seq: op + 1,
      isPrivate: false,
      ...more,
    };
    this.#pending.push(call);
    return call;
  }

  async pendingCalls(limit: number, service?: string): Promise<readonly PendingCall[]> {
    const found = this.#pending
      .filter((call) => service === undefined || call.service === service)
      .slice(0, limit);
    // A real ledger reads for a while: what it finds may be over by then.
    await new Promise((resolve) => setImmediate(resolve));
    return found;
  }

  async callServices(): Promise<readonly string[]> {
    return [...new Set(this.#pending.map(({ service }) => service))];
  }

  async parkCall(call: PendingCall, parking: Parking): Promise<boolean> {
    this.#pending.splice(this.#pending.indexOf(call), 1);
    this.parkings.set(call.key, parking);
    for (const watcher of this.#watchers) watcher();
    return true;
  }

  async completeCallWith(): Promise<never> {
    throw new HoldfastError('HF_HANDLER_TRANSACTION');
  }

  /** It has one runner. */
  async claimCalls(
    claim: Parameters<Ledger['claimCalls']>[0],
  ): Promise<readonly PendingCall[]> {
    return claim.calls;
  }

  /** None of its calls has an input in parts. */
  async entries(): Promise<readonly never[]> {
    return [];
  }

  /** Its devices have the right time. */
  async clocks(): Promise<DeviceClocks> {
    return new Map([[1, [{ monoMs: 1, atMs: Date.now(), errorMs: 86_400_000 }]]]);
  }

  async completeCall(call: PendingCall, result: CallResult): Promise<Command | undefined> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the disk is away');
    }
    const at = this.#pending.indexOf(call);
    if (at < 0) return undefined;
    this.#pending.splice(at, 1);
    this.results.set(call.key, result);
    for (const watcher of this.#watchers) watcher();
    const { run, op, key } = call;
    const number = this.results.size;
    const { kind, payload } = result;
    return { number, kind, expiresAtMs: 0, run, op, key, payload, name: '' };
  }

  get pendingKeys(): readonly string[] {
    return this.#pending.map((call) => call.key);
  }

  /** Resolves with the decoded outcome of a call. */
  async outcome(call: PendingCall): Promise<{ kind: string; value: unknown }> {
    await this.#until(() => this.results.has(call.key));
    const result = this.results.get(call.key);
    return { kind: result?.kind ?? '', value: result && decodeValue(result.payload) };
  }

  /** Resolves with why a call was parked. */
  async parking(call: PendingCall): Promise<Parking | undefined> {
    await this.#until(() => this.parkings.has(call.key));
    return this.parkings.get(call.key);
  }

  async failure(call: PendingCall): Promise<Error & { code?: string }> {
    const { kind, value } = await this.outcome(call);
    if (kind === 'call.failed' && value instanceof Error) return value;
    throw new Error(`${kind} instead of a failure`);
  }

  #until(claim: () => boolean): Promise<void> {
    return until(claim, (check) => {
      this.#watchers.add(check);
      return () => this.#watchers.delete(check);
    });
  }
}

/** Resolves when the claim holds; it is looked at whenever `watch` says so. */
export function until(
  claim: () => boolean,
  watch: (check: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      forget();
    };
    const check = () => {
      if (!claim()) return;
      end();
      resolve();
    };
    const forget = watch(check);
    const timer = setTimeout(() => {
      end();
      reject(new Error(`not within ${PATIENCE_MS} ms: ${claim.toString()}`));
    }, PATIENCE_MS);
    check();
  });
}

/** A promise and the function that resolves it. */
export function gate<T = void>(): {
  readonly opened: Promise<T>;
  readonly open: (value: T) => void;
} {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** For claims about what another process or server saw. */
export function poll(check: () => void): () => void {
  const timer = setInterval(check, 5);
  return () => clearInterval(timer);
}
