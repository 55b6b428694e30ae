import type { Instruction, Ledger } from '@holdfast/gateway/internal';
import { HoldfastError, type Chance } from '@holdfast/protocol';
import { SimDatabase } from './sim-database.ts';
import type { SimDisk } from './sim-disk.ts';
import { SimGateway, type SimGatewayOptions } from './sim-gateway.ts';

type OfEach = 'name' | 'database' | 'isShared' | 'point' | 'onIssued' | 'onAwait';

export interface SimGatewaysOptions extends Omit<SimGatewayOptions, OfEach> {
  readonly instances: number;
  /** Of which one is given a message, and which one dies. */
  readonly chance: Chance;
  readonly disk: Omit<ConstructorParameters<typeof SimDatabase>[0], 'isShared' | 'time'>;
  /** A place where a gateway may die: what it is given has to be killed. */
  readonly point: (gateway: SimGateway) => void | Promise<never>;
  /** The same where it asks the ledger for something, or has its answer. */
  readonly onAwait: (gateway: SimGateway) => void;
}

/** The gateways of a world: one with a ledger of its own, or several on one. */
export class SimGateways {
  readonly database: SimDatabase;
  readonly #all: readonly SimGateway[];
  readonly #chance: Chance;

  constructor(options: SimGatewaysOptions) {
    const { instances, disk, point, onAwait, ...own } = options;
    const isShared = instances > 1;
    this.#chance = own.chance;
    const { time, sha256 } = own;
    this.database = new SimDatabase({ ...disk, time, sha256, isShared });
    this.#all = Array.from({ length: instances }, (_, index): SimGateway => {
      const gateway: SimGateway = new SimGateway({
        ...own,
        ...{ name: `gw-${index + 1}`, isShared, database: this.database },
        point: () => point(gateway),
        onAwait: () => onAwait(gateway),
        onIssued: (device) => this.#tellOthers(gateway, device),
      });
      return gateway;
    });
  }

  get starts(): number {
    return this.#all.reduce((sum, { starts }) => sum + starts, 0);
  }

  get isUp(): boolean {
    return this.#up().length > 0;
  }

  /** Those that are not there. */
  get down(): readonly SimGateway[] {
    return this.#all.filter(({ isUp }) => !isUp);
  }

  /** The ledger as one of them has it. */
  get ledger(): Ledger {
    return this.#any().ledger;
  }

  /** A shared subscription gives each message to one of them. */
  receive(device: string, bytes: Uint8Array): void {
    if (this.isUp) this.#any().receive(device, bytes);
  }

  issue(dispatch: Instruction, device: string): Promise<boolean> {
    return this.#any().issue(dispatch, device);
  }

  /** As SIGKILL of one of them. */
  kill(): void {
    if (this.isUp) this.#any().kill();
  }

  killAll(): void {
    for (const gateway of this.#up()) gateway.kill();
  }

  /** An older backup of the ledger is put back; nobody has it open. */
  restore(image: ReturnType<SimDisk['image']>): void {
    this.killAll();
    this.database.restore(image);
  }

  #up(): readonly SimGateway[] {
    return this.#all.filter(({ isUp }) => isUp);
  }

  #any(): SimGateway {
    const up = this.#up();
    const one = up.length > 1 ? up[Math.floor(this.#chance.next() * up.length)] : up[0];
    if (one !== undefined) return one;
    throw new HoldfastError('HF_GATEWAY_CLOSED');
  }

  #tellOthers(from: SimGateway, device: string): void {
    for (const gateway of this.#up()) if (gateway !== from) gateway.issuedElsewhere(device);
  }
}
