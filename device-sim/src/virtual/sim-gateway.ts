import { sha256 } from '@holdfast/agent/internal';
import {
  functionExecutor,
  HandlerRunner,
  inflate,
  isPermanent,
  newLedgerRow,
  retryAfterMsOf,
  Sessions,
  sessionsLimits,
  StoreLedger,
  type Attempts,
  type Handler,
  type Instruction,
  type Ledger,
} from '@holdfast/gateway/internal';
import { HoldfastError, type Clock, type Log, type Point, type Verify } from '@holdfast/protocol';
import { SimDisk, type SimDiskOptions } from './sim-disk.ts';
import { signerOf, verifySim } from './sim-signer.ts';
import { ProcessClock } from './virtual-time.ts';

export interface SimGatewayOptions extends Omit<SimDiskOptions, 'rows'> {
  readonly log: Log;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly send: (device: string, bytes: Uint8Array) => void;
  /** How many devices may connect in a second. Default: as the gateway has it. */
  readonly connectsPerS?: number;
  /** How often devices are asked for a report. */
  readonly reportEveryMs: number;
  /** May end the process by what it does; a dead one never goes on from there. */
  readonly point: Point;
  /** Only for bugs that are planted. */
  readonly ledgerOf?: (ledger: Ledger) => Ledger;
  readonly verify?: Verify | undefined;
}

interface GatewayLife {
  readonly clock: ProcessClock;
  readonly sessions: Sessions;
  readonly runner: HandlerRunner;
  readonly ledger: Ledger;
}

/** The gateway as it ships, over a disk and a network of the virtual world. */
export class SimGateway {
  readonly disk: SimDisk;
  starts = 0;
  readonly #options: SimGatewayOptions;
  #life: GatewayLife | undefined;

  constructor(options: SimGatewayOptions) {
    this.#options = options;
    this.disk = new SimDisk({ ...options, rows: [newLedgerRow()] });
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** The ledger of the life that is. */
  get ledger(): Ledger {
    if (this.#life !== undefined) return this.#life.ledger;
    throw new HoldfastError('HF_GATEWAY_CLOSED');
  }

  async start(): Promise<void> {
    const { time, log, handlers, send, reportEveryMs, verify = verifySim } = this.#options;
    const { connectsPerS = sessionsLimits.connectsPerS } = this.#options;
    const { ledgerOf = (ledger: Ledger) => ledger } = this.#options;
    const clock = new ProcessClock(time);
    const ledger = ledgerOf(await StoreLedger.open(this.disk.open(), sha256));
    const signer = signerOf('gateway');
    const pace = { reportEveryMs, connectsPerS };
    const isAlive = (): boolean => this.#life?.clock === clock;
    const sessions = new Sessions(
      {
        isShared: false,
        ...{ ledger, signer, verify, sha256, inflate, clock, log },
        downlink: { send: (device, bytes) => (isAlive() ? send(device, bytes) : undefined) },
        point: (name) => this.#options.point(name),
        onArrival: () => {},
        onCalls: () => runner.wake(),
        onFailure: () => this.kill(),
      },
      { ...sessionsLimits, ...pace, gateway: 'gw-sim', publicKey: signer.publicKey },
    );
    const issued = (device: string) => sessions.issued(device);
    const attempts = simAttempts(clock);
    const runner = new HandlerRunner({ ledger, sha256, attempts, clock, log, issued });
    this.#life = { clock, sessions, runner, ledger };
    this.starts += 1;
    await sessions.start();
    for (const [service, handler] of Object.entries(handlers)) {
      runner.register(service, functionExecutor(handler));
    }
  }

  /** Gives a device a command, as the API does. Stays pending when the process dies meanwhile. */
  async issue(dispatch: Instruction, device: string): Promise<boolean> {
    const life = this.#life;
    if (life === undefined) throw new HoldfastError('HF_GATEWAY_CLOSED');
    const isIssued = await life.ledger.issue({ dispatch, devices: [device], isLast: true });
    life.sessions.issued(device);
    return isIssued;
  }

  /** Takes a message of a device, if there is a gateway. */
  receive(device: string, bytes: Uint8Array): void {
    this.#life?.sessions.receive(device, bytes);
  }

  /** As SIGKILL. */
  kill(): void {
    this.#life?.clock.die();
    this.#life = undefined;
    this.disk.cutPower();
  }
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
