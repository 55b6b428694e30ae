import type { ExecutionContext } from 'ava';
import {
  createUplink,
  deflate,
  type BrokerMemory,
  type GatewayPin,
  type Uplink,
  type UplinkLimits,
} from '@holdfast/agent/internal';
import { lanes, type Lane, type LinkEvent, type Welcome } from '@holdfast/protocol';
import { NaiveGateway, gone } from './naive-gateway.ts';
import { SimChance } from './sim-chance.ts';
import { SimClock } from './sim-clock.ts';
import { SimJournal, SimRuntime } from './sim-journal.ts';
import { SimRadio, simSigner, simVerify } from './sim-radio.ts';

export const device = 'truck-7';
const quiet = { error: () => {}, info: () => {}, debug: () => {} };

export interface WorldOptions {
  readonly seed?: number;
  readonly welcome?: Partial<Welcome>;
  readonly limits?: Partial<UplinkLimits>;
  readonly broker?: BrokerMemory;
}

/** A device, a way to the cloud, and a gateway, in virtual time. */
export class World {
  readonly clock = new SimClock();
  readonly journal = new SimJournal(device);
  readonly runtime = new SimRuntime(this.journal);
  readonly gateway: NaiveGateway;
  readonly radio: SimRadio;
  readonly uplink: Uplink;
  readonly errors: string[] = [];
  readonly outlived: string[] = [];
  /** Whom each link has told its events, the oldest first. */
  readonly listeners: ((event: LinkEvent) => void)[] = [];
  pinned: Uint8Array | undefined;

  constructor({ seed = 1, welcome = {}, limits = {}, broker }: WorldOptions = {}) {
    const { clock, journal, runtime } = this;
    const chance = new SimChance(seed);
    const signer = simSigner('gateway');
    this.gateway = new NaiveGateway({ device, signer, welcome });
    const receive = (bytes: Uint8Array) => this.gateway.receive(bytes);
    this.radio = new SimRadio({ clock, chance: new SimChance(seed + 1), receive });
    const pin: GatewayPin = { load: () => this.pinned, save: (key) => void (this.pinned = key) };
    const log = { ...quiet, error: (message: string) => void this.errors.push(message) };
    this.uplink = createUplink(
      {
        journal,
        runtime,
        clock,
        chance,
        log,
        pin,
        deflate,
        broker,
        onOutlived: ({ cause }) => void this.outlived.push(cause),
        onTime: () => {},
        dial: (listen) => {
          this.listeners.push(listen);
          return this.radio.dial(listen);
        },
        signer: simSigner(device),
        verify: simVerify,
      },
      { device, agentVersion: '0.0.0', limits },
    );
  }

  /** Entries of random bytes, so that they do not compress. */
  append(lane: Lane, count: number, size = 100): void {
    const head = this.journal.lane(lane).entries.length;
    const chance = new SimChance(head + size);
    this.journal.append(
      lane,
      Array.from({ length: count }, () => chance.bytes(size)),
    );
  }

  async until(what: string, holds: () => boolean, deadlineMs = 300_000): Promise<void> {
    const endMs = this.clock.monoMs() + deadlineMs;
    while (!holds()) {
      if (this.clock.monoMs() > endMs) throw new Error(`not in time: ${what}`);
      await this.clock.advance(50);
    }
  }

  untilSynced(): Promise<void> {
    return this.until('synced', () => this.journal.isSynced);
  }

  /** What must hold at every moment. */
  check(t: ExecutionContext): void {
    t.deepEqual(this.gateway.faults, []);
    for (const lane of lanes) {
      const held = this.gateway.lane(lane).entries;
      const journaled = this.journal.lane(lane).entries;
      const isPrefix = held.every((entry, index) =>
        entry === gone ? this.journal.isGone(lane, index + 1) : isSame(entry, journaled[index]),
      );
      t.true(isPrefix, `the ledger of ${lane} is a prefix of the journal`);
      t.true(this.journal.lane(lane).acked <= held.length, `${lane} acknowledged what is held`);
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
