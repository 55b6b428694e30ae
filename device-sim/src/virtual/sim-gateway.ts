import { sha256 as ofProduct } from '@holdfast/agent/internal';
import {
  functionExecutor,
  HandlerRunner,
  inflate,
  isPermanent,
  retryAfterMsOf,
  Sessions,
  sessionsLimits,
  type Attempts,
  type Handler,
  type HandlerPolicy,
  type Instruction,
  type Ledger,
} from '@holdfast/gateway/internal';
import {
  HoldfastError,
  type Clock,
  type Log,
  type Point,
  type Sha256,
  type Verify,
} from '@holdfast/protocol';
import type { SimDatabase } from './sim-database.ts';
import { signerOf, verifySim } from './sim-signer.ts';
import { ProcessClock } from './virtual-time.ts';

export interface SimGatewayOptions {
  readonly name: string;
  readonly time: Clock;
  readonly database: SimDatabase;
  /** Others use the ledger, too. */
  readonly isShared: boolean;
  /** A command for a device is in the ledger. */
  readonly onIssued: (device: string) => void;
  readonly log: Log;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly send: (device: string, bytes: Uint8Array) => void;
  /** How many devices may connect in a second. Default: as the gateway has it. */
  readonly connectsPerS?: number;
  /** How often devices are asked for a report. */
  readonly reportEveryMs: number;
  /** May end the process by what it does; a dead one never goes on from there. */
  readonly point: Point;
  /** Called before and after whatever is asked of the ledger: the process may die of it. */
  readonly onAwait?: () => void;
  /** Told of each call that a handler is given. */
  readonly onExecute?: (call: Executed) => void;
  /** Only for bugs that are planted. */
  readonly ledgerOf?: (ledger: Ledger) => Ledger;
  readonly verify?: Verify | undefined;
  /** Default: as it ships. */
  readonly sha256?: Sha256 | undefined;
  readonly handlerPolicy?: Partial<HandlerPolicy> | undefined;
}

/** A call that a handler is given. */
export interface Executed {
  readonly device: string;
  /** The same in every attempt of this call. */
  readonly key: string;
  /** The process that executes it. */
  readonly by: { readonly isDead: boolean };
}

interface GatewayLife {
  readonly clock: ProcessClock;
  readonly sessions: Sessions;
  readonly runner: HandlerRunner;
  readonly ledger: Ledger;
}

/** What a dead process waits for. */
const never = new Promise<never>(() => {});

/** A gateway as it ships, over a disk and a network of the virtual world. */
export class SimGateway {
  starts = 0;
  readonly #options: SimGatewayOptions;
  #life: GatewayLife | undefined;

  constructor(options: SimGatewayOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** How long what has waited longest for the ledger has waited, ms. */
  get ledgerWaitMs(): number {
    return this.#life?.sessions.waitMs ?? 0;
  }

  /** The ledger of the life that is. */
  get ledger(): Ledger {
    if (this.#life !== undefined) return this.#life.ledger;
    throw new HoldfastError('HF_GATEWAY_CLOSED');
  }

  async start(): Promise<void> {
    const { time, log, handlers, send, reportEveryMs, verify = verifySim } = this.#options;
    const { connectsPerS = sessionsLimits.connectsPerS } = this.#options;
    const { sha256 = ofProduct } = this.#options;
    const { ledgerOf = (ledger: Ledger) => ledger, database, isShared, name } = this.#options;
    const clock = new ProcessClock(time);
    const signer = signerOf('gateway');
    const pace = { reportEveryMs, connectsPerS };
    const isAlive = (): boolean => !clock.isDead;
    const onAwait = (): void => this.#options.onAwait?.();
    const ledger = ledgerOf(ofTheLiving(await database.open(), isAlive, onAwait));
    // It was asked to start twice.
    if (this.#life !== undefined) return;
    const sessions = new Sessions(
      {
        isShared,
        ...{ ledger, signer, verify, sha256, inflate, clock, log },
        downlink: { send: (device, bytes) => (isAlive() ? send(device, bytes) : undefined) },
        point: (place) => this.#options.point(place),
        onArrival: () => {},
        onCalls: () => runner.wake(),
        onFailure: () => this.kill(),
      },
      { ...sessionsLimits, ...pace, gateway: 'gw-sim', publicKey: signer.publicKey },
    );
    const issued = (device: string) => sessions.issued(device);
    const attempts = simAttempts(clock);
    const owner = isShared ? `${name} ${this.starts}` : undefined;
    const runner = new HandlerRunner({ ledger, sha256, attempts, clock, log, issued, owner });
    this.#life = { clock, sessions, runner, ledger };
    this.starts += 1;
    await sessions.start();
    const { onExecute = () => {}, handlerPolicy } = this.#options;
    for (const [service, handler] of Object.entries(handlers)) {
      const told: Handler = (input, info) => {
        onExecute({ device: info.device, key: info.idempotencyKey, by: clock });
        return handler(input, info);
      };
      runner.register(service, functionExecutor(told), handlerPolicy);
    }
  }

  /** Gives a device a command, as the API does. Stays pending when the process dies meanwhile. */
  async issue(dispatch: Instruction, device: string): Promise<boolean> {
    const life = this.#life;
    if (life === undefined) throw new HoldfastError('HF_GATEWAY_CLOSED');
    const isIssued = await life.ledger.issue({ dispatch, devices: [device], isLast: true });
    life.sessions.issued(device);
    this.#options.onIssued(device);
    return isIssued;
  }

  /** Another gateway has issued a command for a device. */
  issuedElsewhere(device: string): void {
    this.#life?.sessions.issuedElsewhere(device);
  }

  /** Takes a message of a device, if there is a gateway. */
  receive(device: string, bytes: Uint8Array): void {
    this.#life?.sessions.receive(device, bytes);
  }

  /** As SIGKILL. */
  kill(): void {
    this.#life?.clock.die();
    this.#life = undefined;
    this.#options.database.left();
  }
}

/** A ledger that a dead process can do nothing with, and hears nothing of any more. */
function ofTheLiving(ledger: Ledger, isAlive: () => boolean, onAwait: () => void): Ledger {
  return new Proxy(ledger, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (isAlive()) onAwait();
        if (!isAlive()) return never;
        const given: unknown = Reflect.apply(value, target, args);
        if (!(given instanceof Promise)) return given;
        return given.then((result: unknown) => {
          if (isAlive()) onAwait();
          return isAlive() ? result : never;
        });
      };
    },
  });
}

/** Attempts of handlers in virtual time. */
function simAttempts(clock: Clock): Attempts {
  const pause = (ms: number) => new Promise<void>((resolve) => clock.wakeIn(ms, resolve));
  return {
    async repeat(policy, attempt) {
      for (let number = 1; ; number += 1) {
        try {
          return await attempt(number);
        } catch (error) {
          if (number >= policy.attempts || isPermanent(error)) throw error;
          const plannedMs = Math.min(policy.minDelayMs * 2 ** (number - 1), policy.maxDelayMs);
          await pause(Math.max(plannedMs, retryAfterMsOf(error)));
        }
      }
    },
    within(timeoutMs, body) {
      return new Promise((resolve, reject) => {
        const controller = new AbortController();
        const cancel = clock.wakeIn(timeoutMs, () => {
          const error = new HoldfastError('HF_HANDLER_TIMEOUT');
          reject(error);
          controller.abort(error);
        });
        body(controller.signal).then(resolve, reject).finally(cancel);
      });
    },
    stop() {},
  };
}
