import { Journal, createUplink, deflate, sha256, type Uplink } from '@holdfast/agent/internal';
import { SimStore } from '@holdfast/agent/testing';
import {
  eachLane,
  encodeValue,
  laneIndex,
  type Chance,
  type Clock,
  type Command,
  type Dial,
  type Lane,
  type Log,
  type Report,
  type Signer,
  type Verify,
} from '@holdfast/protocol';

export interface LightDeviceOptions {
  readonly device: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly dial: Dial;
  readonly signer: Signer;
  readonly verify: Verify;
  /** Told how long what was emitted had to wait until the ledger had it. */
  readonly onAck?: (lane: Lane, waitedMs: number) => void;
}

/**
 * The agent's journal and uplink as they ship, without workflows and without a disk: thousands of
 * them fit into a process. It obeys every command with a receipt.
 */
export class LightDevice {
  readonly device: string;
  readonly uplink: Uplink;
  /** Numbers of commands, in the order in which they were applied. */
  readonly applied: number[] = [];
  readonly #journal: Journal;
  readonly #options: LightDeviceOptions;
  /** When each event that is not acknowledged was emitted, by lane, oldest first. */
  readonly #waiting = eachLane((): { readonly seq: number; readonly atMs: number }[] => []);
  #gatewayKey: Uint8Array | undefined;

  private constructor(options: LightDeviceOptions, journal: Journal) {
    const { device, clock, chance, log, dial, signer, verify } = options;
    this.device = device;
    this.#options = options;
    this.#journal = journal;
    this.uplink = createUplink(
      {
        ...{ clock, chance, log, dial, signer, verify, deflate },
        journal: this.#watched(),
        runtime: {
          lastCommand: () => this.applied.at(-1) ?? 0,
          applyCommands: (commands) => this.#apply(commands),
          report: () => Promise.resolve(this.#report()),
        },
        pin: { load: () => this.#gatewayKey, save: (key) => void (this.#gatewayKey = key) },
        onOutlived: () => log.error('its journal was outlived', { device }),
        onTime: () => {},
      },
      { device, agentVersion: '0.0.0' },
    );
  }

  static async open(options: LightDeviceOptions): Promise<LightDevice> {
    const { device, clock } = options;
    const place = { device, epoch: 1, boot: 1, clock, sha256, store: new SimStore() };
    return new LightDevice(options, await Journal.open(place));
  }

  /** Resolves once it is journaled. */
  async emit(lane: Lane, payload: unknown): Promise<void> {
    const bytes = encodeValue(payload, 'payload');
    const body = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'note' } as const;
    const refs = await this.#journal.append([{ lane, body: { ...body, payload: bytes } }]);
    const atMs = this.#options.clock.monoMs();
    for (const { seq } of refs) this.#waiting[laneIndex(lane)].push({ seq, atMs });
  }

  /** Entries that the ledger is not known to have. */
  get backlog(): number {
    return this.#journal.positions().reduce((sum, { head, acked }) => sum + head - acked, 0);
  }

  async close(): Promise<void> {
    await this.uplink.close();
  }

  /** The journal, with a look at what is acknowledged. */
  #watched(): Parameters<typeof createUplink>[0]['journal'] {
    const journal = this.#journal;
    return {
      epoch: journal.epoch,
      boot: journal.boot,
      positions: () => journal.positions(),
      read: (lane, seqFirst, limits) => journal.read(lane, seqFirst, limits),
      setAside: (...args) => journal.setAside(...args),
      hashAt: (lane, seq) => journal.hashAt(lane, seq),
      acknowledge: (lane, watermark, hash) => {
        this.#acked(lane, watermark);
        return journal.acknowledge(lane, watermark, hash);
      },
      mend: () => journal.mend(),
      onCommit: (listener) => journal.onCommit(listener),
    };
  }

  #acked(lane: Lane, watermark: number): void {
    const waiting = this.#waiting[laneIndex(lane)];
    const nowMs = this.#options.clock.monoMs();
    while (waiting[0] !== undefined && waiting[0].seq <= watermark) {
      const { atMs } = waiting.shift() ?? { atMs: nowMs };
      this.#options.onAck?.(lane, nowMs - atMs);
    }
  }

  async #apply(commands: readonly Command[]): Promise<void> {
    for (const { number, key } of commands) {
      const last = this.applied.at(-1) ?? 0;
      if (number <= last) continue;
      if (number > last + 1) return;
      this.applied.push(number);
      const body = { kind: 'command.receipt', command: number, reason: '', key } as const;
      const receipt = { ...body, outcome: 'applied' } as const;
      await this.#journal.append([{ lane: 'urgent', body: receipt }]);
    }
  }

  #report(): Report {
    const { clock } = this.#options;
    const journal = this.#journal;
    const positions = journal.positions();
    return {
      epoch: journal.epoch,
      atMs: clock.nowMs(),
      agentVersion: '0.0.0',
      lanes: eachLane((lane) => {
        const { head, acked } = positions[laneIndex(lane)];
        return { head, acked, backlogBytes: journal.backlogBytes(lane), oldestAtMs: 0 };
      }),
      runs: [],
      boot: journal.boot,
      monoMs: Math.floor(clock.monoMs()),
    };
  }
}
