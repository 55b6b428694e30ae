import { sha256 } from '@holdfast/agent/internal';
import { newLedgerRow, StoreLedger, type Ledger } from '@holdfast/gateway/internal';
import type { Clock, Sha256 } from '@holdfast/protocol';
import { SimDisk, type SimDiskOptions } from './sim-disk.ts';

export interface SimDatabaseOptions extends Omit<SimDiskOptions, 'rows'> {
  /** Several gateways use it, and it outlives each of them; else it is on the disk of the one. */
  readonly isShared: boolean;
  /** Default: as it ships. */
  readonly sha256?: Sha256 | undefined;
  /** Only for a fault that is planted: a claim keeps nobody away. */
  readonly isClaimless?: boolean | undefined;
}

interface Claim {
  readonly owner: string;
  readonly untilMs: number;
}

/** Where the ledger lies. */
export class SimDatabase {
  readonly disk: SimDisk;
  readonly #time: Clock;
  readonly #isShared: boolean;
  readonly #sha256: Sha256;
  readonly #isClaimless: boolean;
  readonly #claims = new Map<string, Claim>();
  #shared: Promise<Ledger> | undefined;

  constructor(options: SimDatabaseOptions) {
    this.#time = options.time;
    this.#isShared = options.isShared;
    this.#sha256 = options.sha256 ?? sha256;
    this.#isClaimless = options.isClaimless === true;
    this.disk = new SimDisk({ ...options, rows: [newLedgerRow()] });
  }

  /** The ledger for a process that begins. */
  open(): Promise<Ledger> {
    if (!this.#isShared) return StoreLedger.open(this.disk.open(), this.#sha256);
    this.#shared ??= StoreLedger.open(this.disk.open(), this.#sha256).then((all) =>
      this.#claiming(all),
    );
    return this.#shared;
  }

  /** A process that had it has died. */
  left(): void {
    if (!this.#isShared) this.disk.cutPower();
  }

  /** An older image takes the place of what is there; nobody has it open. */
  restore(image: ReturnType<SimDisk['image']>): void {
    this.disk.rewind(image);
    this.#shared = undefined;
    this.#claims.clear();
  }

  /** A call is executed by one gateway at a time, as a shared ledger sees to. */
  #claiming(ledger: Ledger): Ledger {
    const claimCalls: Ledger['claimCalls'] = async ({ calls, owner, forMs }) => {
      if (this.#isClaimless) return calls;
      const nowMs = this.#time.monoMs();
      return calls.filter(({ service, ordinal }) => {
        const key = `${service}/${ordinal}`;
        const held = this.#claims.get(key);
        if (held !== undefined && held.owner !== owner && held.untilMs > nowMs) return false;
        this.#claims.set(key, { owner, untilMs: nowMs + forMs });
        return true;
      });
    };
    return new Proxy(ledger, {
      get(target, property) {
        if (property === 'claimCalls') return claimCalls;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}
