import { createUplink, deflate, sha256, type Uplink } from '@holdfast/agent/internal';
import {
  Sessions,
  StoreLedger,
  inflate,
  newLedgerRow,
  sessionsLimits,
  type IngestOutcome,
} from '@holdfast/gateway/internal';
import {
  encodeEntry,
  encodeValue,
  equalBytes,
  lanes,
  open,
  type Clock,
  type Command,
  type Lane,
} from '@holdfast/protocol';
import { NaiveGateway } from './naive-gateway.ts';
import { SimChance } from './sim-chance.ts';
import { SimClock } from './sim-clock.ts';
import { SimJournal, SimRuntime } from './sim-journal.ts';
import { SimRadio, simSigner, simVerify } from './sim-radio.ts';
import { SimStore } from './sim-store.ts';

const device = 'truck-7';
const log = { error: () => {}, info: () => {}, debug: () => {} };

/** The gateway's side as it ships, above a disk that forgets what was not synced. */
class Cloud {
  ledger: StoreLedger | undefined;
  /** What became of each batch. */
  readonly outcomes: IngestOutcome[] = [];
  failure: Error | undefined;
  readonly #clock: SimClock;
  readonly #down: (bytes: Uint8Array) => void;
  #store = new SimStore();
  #sessions: Sessions | undefined;
  #life = 0;

  constructor(clock: SimClock, down: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#down = down;
  }

  async start(): Promise<void> {
    this.#life += 1;
    const life = this.#life;
    if (life === 1) await this.#store.write([{ kind: 'put', ...newLedgerRow() }]);
    const signer = simSigner('gateway');
    const ledger = await StoreLedger.open(this.#store, sha256);
    const downlink = {
      send: (_device: string, bytes: Uint8Array) => {
        if (life === this.#life) this.#down(bytes);
      },
    };
    const ingest = ledger.ingest.bind(ledger);
    ledger.ingest = async (batch) => {
      const outcome = await ingest(batch);
      this.outcomes.push(outcome);
      return outcome;
    };
    this.ledger = ledger;
    // Messages arrive at fractions of a ms here; a clock of the wall has none.
    const clock: Clock = {
      nowMs: () => Math.floor(this.#clock.nowMs()),
      monoMs: () => this.#clock.monoMs(),
      wakeIn: (delayMs, wake) => this.#clock.wakeIn(delayMs, wake),
    };
    const rest = { signer, verify: simVerify, sha256, inflate, clock, log, downlink };
    const nothing = { point: () => {}, onArrival: () => {}, onCalls: () => {} };
    this.#sessions = new Sessions(
      { isShared: false, ledger, ...rest, ...nothing, onFailure: (cause) => this.#fail(cause) },
      { ...sessionsLimits, gateway: 'gw', publicKey: signer.publicKey },
    );
    await this.#sessions.start();
  }

  #fail(cause: unknown): void {
    this.failure ??= new Error('the ledger failed', { cause });
  }

  /** Tells the device to do something. @returns Whether the ledger took it for the device. */
  async command(id: string): Promise<boolean> {
    const content = {
      kind: 'run.signal',
      run: 'run-1',
      name: 'turn',
      payload: encodeValue(id),
    } as const;
    const told = { id, ...content, expiresAtMs: 0, issuedAtMs: 1, by: 'ola', to: device };
    await this.ledger?.issue({ dispatch: told, devices: [device], isLast: true });
    this.#sessions?.issued(device);
    return (await this.ledger?.dispatch(id))?.counts.waiting === 1;
  }

  /** What reaches a process that is not there is lost. */
  receive(bytes: Uint8Array): void {
    this.#sessions?.receive(device, bytes);
  }

  crash(): void {
    this.#life += 1;
    this.#store = this.#store.crash();
    this.#sessions = undefined;
    this.ledger = undefined;
  }
}

/** Obeys each command with a receipt: what both sides count by. */
class ObedientRuntime extends SimRuntime {
  readonly #own: SimJournal;

  constructor(journal: SimJournal) {
    super(journal);
    this.#own = journal;
  }

  override async applyCommands(commands: readonly Command[]): Promise<void> {
    const before = this.applied.length;
    await super.applyCommands(commands);
    for (const { number: command, key, kind } of this.applied.slice(before)) {
      const obeyed = command % 5 === 0 ? 'expired' : 'applied';
      const outcome = kind === 'void' ? 'rejected' : obeyed;
      const stamp = { atMs: 1, boot: 1, monoMs: 1 };
      const body = { kind: 'command.receipt', command, outcome, reason: '', key } as const;
      this.#own.append('urgent', [encodeEntry({ ...stamp, ...body })]);
    }
  }
}

/** A device, a way to the cloud, the cloud, and a gateway so simple that it must be right. */
export class SessionWorld {
  readonly clock = new SimClock();
  readonly journal = new SimJournal(device);
  readonly runtime = new ObedientRuntime(this.journal);
  /** Ids of the commands that the ledger has for the device, in order. */
  readonly issued: string[] = [];
  #asked = 0;
  readonly oracle = new NaiveGateway({ device, signer: simSigner('gateway') });
  readonly radio: SimRadio;
  readonly cloud: Cloud;
  /** Which messages with commands the device cannot read. */
  isStrange: (commands: readonly Command[]) => boolean = () => false;
  /** How many such messages it was sent. */
  strange = 0;
  readonly #seed: number;
  #uplink: Uplink;
  #pinned: Uint8Array | undefined;
  #lives = 0;

  constructor(seed: number) {
    this.#seed = seed;
    const receive = (bytes: Uint8Array) => {
      // Both hear the same; only one of them answers.
      this.oracle.receive(bytes);
      this.cloud.receive(bytes);
      return [];
    };
    this.radio = new SimRadio({ clock: this.clock, chance: new SimChance(seed), receive });
    this.cloud = new Cloud(this.clock, (bytes) => this.radio.toDevice(this.#shown(bytes)));
    this.#uplink = this.#begin();
  }

  /** A message as the device sees it: of one that it cannot read it knows the end. */
  #shown(bytes: Uint8Array): Uint8Array {
    const { message } = open(device, bytes);
    if (message.kind !== 'commands' || !this.isStrange(message.commands)) return bytes;
    this.strange += 1;
    return Uint8Array.of(0xff, ...bytes.subarray(1));
  }

  /** The agent dies and is started again: what it had not made durable it has to be told again. */
  async restartAgent(): Promise<void> {
    await this.#uplink.close();
    for (const lane of lanes) this.journal.lane(lane).acked = 0;
    this.#uplink = this.#begin();
  }

  get uplink(): Uplink {
    return this.#uplink;
  }

  nudge(): void {
    this.#uplink.nudge();
  }

  close(): Promise<void> {
    return this.#uplink.close();
  }

  append(lane: Lane, count: number, size: number): void {
    const chance = new SimChance(this.journal.lane(lane).entries.length + size);
    this.journal.append(
      lane,
      Array.from({ length: count }, () => chance.bytes(size)),
    );
  }

  async command(count: number): Promise<void> {
    for (let each = 0; each < count; each += 1) {
      this.#asked += 1;
      const id = `c-${this.#asked}`;
      if (await this.cloud.command(id)) this.issued.push(id);
    }
  }

  /** Entries of a lane in the ledger, in its order. */
  async held(lane: Lane): Promise<readonly { readonly seq: number; readonly bytes: Uint8Array }[]> {
    const at = { device, lane, after: 0, limit: 100_000 };
    return (await this.cloud.ledger?.entries(at)) ?? [];
  }

  async check(): Promise<void> {
    if (this.oracle.faults.length > 0) throw new Error(this.oracle.faults.join());
    if (this.cloud.failure !== undefined) throw this.cloud.failure;
    const obeyed = this.runtime.applied.map(({ key }) => key);
    if (obeyed.some((key, index) => key !== this.issued[index])) {
      throw new Error(`commands were applied as ${obeyed.join()}`);
    }
    if (this.cloud.ledger === undefined) return;
    for (const lane of lanes) {
      const held = await this.held(lane);
      const heard = this.oracle.lane(lane).entries;
      const isRight = held.every(({ seq, bytes }, index) => {
        const said = heard[index];
        return seq === index + 1 && said !== undefined && equalBytes(bytes, said);
      });
      if (!isRight) throw new Error(`the ledger of ${lane} is not what was sent`);
      const { acked } = this.journal.lane(lane);
      if (acked > held.length) throw new Error(`${lane} is acknowledged beyond the ledger`);
    }
  }

  /** All entries are in the ledger, and all commands have come down. */
  async untilSynced(): Promise<void> {
    const endMs = this.clock.monoMs() + 900_000;
    const isDone = () =>
      this.journal.isSynced && this.runtime.applied.length === this.issued.length;
    while (!isDone()) {
      if (this.clock.monoMs() > endMs) throw new Error('not synced in time');
      await this.clock.advance(500);
    }
  }

  #begin(): Uplink {
    const { clock, journal, runtime, radio } = this;
    this.#lives += 1;
    const uplink = createUplink(
      {
        ...{ journal, runtime, clock, log, deflate, dial: radio.dial, verify: simVerify },
        ...{ chance: new SimChance(this.#seed + 1_000 * this.#lives), signer: simSigner(device) },
        pin: { load: () => this.#pinned, save: (key) => void (this.#pinned = key) },
        onOutlived: () => {},
        onTime: () => {},
      },
      { device, agentVersion: '0.0.0' },
    );
    uplink.start();
    return uplink;
  }
}
