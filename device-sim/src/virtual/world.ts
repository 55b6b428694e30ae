import { createHash } from 'node:crypto';
import { SimChance } from '@holdfast/agent/testing';
import {
  encodeValue,
  lanes,
  messageOf,
  type Chance,
  type Log,
  type StoreOp,
} from '@holdfast/protocol';
import type { Handler } from '@holdfast/gateway';
import { eachDevice, type Ledger } from '@holdfast/gateway/internal';
import { fairWeather, type Scenario } from '../scenario/scenario.ts';
import type { PlantedBug } from './planted-bug.ts';
import { CallChecks } from './call-checks.ts';
import { Forger } from './forger.ts';
import { Outside } from './outside.ts';
import type { LifeMark } from './journal-life.ts';
import { SimAgent, type AnyWorkflow, type StoreState } from './sim-agent.ts';
import { Observer } from './observer.ts';
import { primitivesOf, type Primitives } from './primitives.ts';
import { SimDisk } from './sim-disk.ts';
import type { SimGateway } from './sim-gateway.ts';
import { SimGateways } from './sim-gateways.ts';
import { SimNetwork } from './sim-network.ts';
import { takeTurns } from './settling.ts';
import { TimeChecks } from './time-checks.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';
import { MachineClock, VirtualTime } from './virtual-time.ts';
import { WireChecks } from './wire-checks.ts';
import { ENTRY, Witness } from './witness.ts';
import { handlersOf, workloadOf } from './workload.ts';

export interface Machine {
  readonly name: string;
  /** Whose identity it has. */
  readonly device: string;
  readonly agent: SimAgent;
  readonly disk: SimDisk;
  readonly clock: MachineClock;
}

/** A disk as it was at a moment. */
export interface DiskImage {
  readonly rows: ReturnType<SimDisk['image']>;
  readonly state: StoreState;
  readonly mark: LifeMark;
  readonly atMs: number;
}

/** What the user brings. */
export interface SimCode {
  readonly workflows: readonly AnyWorkflow[];
  /** What the gateway executes, by service. */
  readonly handlers: Readonly<Record<string, Handler>>;
}

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Instead of the workflows that come along. */
  readonly code?: SimCode | undefined;
  /** A fault of ours, to see that it is found. */
  readonly bug?: PlantedBug | undefined;
}

const RESTART_MS = 5_000;
const EVENTS_A_LOOP = 256;
/** A gateway asks its ledger that much more often than it passes a point. */
const AWAITS_A_POINT = 20;
const never = new Promise<never>(() => {});
const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };

/**
 * Agents, a broker and a gateway as they ship, in one process and in virtual time. One seed gives
 * one history: whatever happens is decided by it alone.
 */
export class World {
  readonly time = new VirtualTime();
  readonly outside = new Outside(this.time);
  readonly primitives: Primitives;
  readonly witness: Witness;
  readonly wire: WireChecks;
  readonly calls: CallChecks;
  readonly times: TimeChecks;
  readonly observer: Observer;
  readonly timeline = new Timeline();
  readonly network: SimNetwork;
  readonly gateway: SimGateways;
  readonly machines: readonly Machine[];
  /** Machines with the disk, and so the identity, of another one. */
  readonly clones = new Set<Machine>();
  /** When a device forgot what it had said since then: its disk was set back. */
  readonly setBack: { readonly device: string; readonly sinceMs: number; readonly atMs: number }[] =
    [];
  readonly chance: Chance;
  isHealing = false;
  /** Somebody wants it to stop where it is. */
  isStopped = false;
  events = 0;
  /** What went wrong besides faults that begin and end, and what messages met. */
  readonly #met = { 'killed-at-sync': 0, 'killed-at-await': 0, 'gateway-killed-at-await': 0 };
  /** Called now and then while time passes, for those who look on. */
  onPulse: () => void = () => {};
  /** A fault of ours. */
  readonly bug: PlantedBug;
  readonly #scenario: Scenario;
  readonly #code: SimCode | undefined;
  readonly #trace = new Trace();
  readonly #seed: number;
  readonly #forger: Forger;
  readonly #gatewayKills: Chance;
  readonly #secondAnswers: Chance;
  readonly #turns: (() => void)[] = [];
  readonly #setBackListeners = new Map<string, (sinceMs: number) => void>();
  #clones = 0;

  constructor({ scenario, seed, code, bug = {} }: WorldOptions) {
    this.#scenario = scenario;
    this.#code = code;
    this.bug = bug;
    this.#seed = seed;
    this.primitives = primitivesOf(seed);
    const { sha256, areBytesShared } = this.primitives;
    this.witness = new Witness(sha256);
    this.wire = new WireChecks(this.witness);
    this.calls = new CallChecks(this.witness);
    this.times = new TimeChecks(this.witness);
    this.observer = new Observer(this.witness);
    this.chance = this.chanceOf('mishaps');
    this.#gatewayKills = this.chanceOf('gateway kills');
    this.#secondAnswers = this.chanceOf('second answers');
    this.#forger = new Forger(this.chanceOf('forger'), scenario.forging, sha256);
    const { time } = this;
    this.network = new SimNetwork({
      time,
      chance: this.chanceOf('network'),
      toGateway: (device, bytes) => this.#arrived(device, bytes),
      onConnected: (device) => this.observer.connected(device, time.monoMs()),
    });
    this.network.weather = scenario.weather;
    const { failing, hanging, reportEveryMs } = scenario;
    const work = { outside: this.outside, failing, hanging };
    this.gateway = new SimGateways({
      ...{ time, log: silent, sha256, reportEveryMs, instances: scenario.gateways },
      chance: this.chanceOf('gateways'),
      disk: {
        ...{ chance: this.chanceOf('gateway disk'), areBytesShared },
        onDurable: (ops) => this.note('ledger', ops[0]?.key),
        // A database of its own does not die with a gateway.
        onSync: () => (scenario.gateways > 1 ? undefined : void this.#gatewayPoint()),
        onAwait: () => (scenario.gateways > 1 ? undefined : this.#gatewayAwait()),
        bug: bug.gatewayDisk,
        isClaimless: bug.isClaimless,
      },
      handlers: code?.handlers ?? handlersOf({ ...work, chance: this.chanceOf('handlers') }),
      send: (device, bytes) => {
        this.note(`down ${device}`, bytes);
        this.#sent(device, bug.downlink?.(device, bytes) ?? bytes);
        const astray = bug.astray?.(device);
        if (astray !== undefined) this.#sent(astray, bytes);
        const forged = this.#forger.forge(device, bytes);
        if (forged !== undefined) this.network.toDevice(device, forged);
      },
      point: (gateway) => this.#gatewayPoint(gateway),
      onAwait: (gateway) => this.#gatewayAwait(gateway),
      ledgerOf: (ledger) => this.#watched(bug.ledger?.(ledger) ?? ledger),
      verify: bug.gatewayVerify,
      handlerPolicy: bug.handlerPolicy,
      onExecute: (call) => this.calls.executed(call),
    });
    this.outside.onDeed = (deed) => this.witness.deedBegan(deed);
    this.machines = Array.from({ length: scenario.devices }, (_, index) =>
      this.#machine(`device-${index + 1}`),
    );
  }

  /** How often what went wrong. */
  get mishaps(): Readonly<Record<string, number>> {
    const { timeline, network, outside, witness } = this;
    return {
      ...{ ...timeline.counts(), ...network.met, ...this.#met, forged: this.#forger.forged },
      ...{ failed: outside.failed, hung: outside.hung, answered: outside.secondAnswers },
      ...{ torn: witness.tornBackups },
    };
  }

  get keepMs(): number {
    return this.#scenario.keepMs;
  }

  get reportEveryMs(): number {
    return this.#scenario.reportEveryMs;
  }

  /** Chance of its own for one purpose, so that more of one thing does not change another. */
  chanceOf(purpose: string): Chance {
    const digest = createHash('sha256').update(`${this.#seed}/${purpose}`).digest();
    return new SimChance(digest.readUInt32LE(0));
  }

  /** A digest of all that has happened. */
  get digest(): string {
    return this.#trace.digest();
  }

  note(what: string, bytes?: Uint8Array): void {
    this.#trace.note(this.time.monoMs(), what, bytes);
  }

  /** Lets time pass until then, one event after another, each with all that it sets off. */
  runUntil(atMs: number): Promise<void> {
    return takeTurns(() => {
      if (this.#takeTurn()) return 'next';
      if (this.isStopped) return 'over';
      const { nextAtMs = Number.POSITIVE_INFINITY } = this.time;
      if (nextAtMs > atMs) {
        this.time.passTo(atMs);
        return 'over';
      }
      this.time.step();
      this.events += 1;
      if (this.events % EVENTS_A_LOOP > 0) return 'next';
      this.onPulse();
      return 'reached';
    });
  }

  /** Everything that needs no time has happened. */
  settle(): Promise<void> {
    return takeTurns(() => (this.#takeTurn() ? 'next' : 'over'));
  }

  #takeTurn(): boolean {
    const turn = this.#turns.length === 0 ? undefined : this.#turns.shift();
    turn?.();
    return turn !== undefined;
  }

  startAgent(name: string): void {
    const machine = [...this.machines, ...this.clones].find((each) => each.name === name);
    if (machine === undefined || machine.agent.life !== undefined) return;
    this.note(`start ${name}`);
    machine.agent.start().catch(() => this.#ended(machine.agent, name));
  }

  startGateway(): void {
    for (const gateway of this.gateway.down) {
      this.note('start gateway');
      this.#openGateway(gateway).catch((error: unknown) => {
        this.witness.blame('P7', 'gateway', `it does not start: ${messageOf(error)}`);
      });
    }
  }

  /** Notes how the fleet stands. */
  look(): void {
    const { machines, network, witness, observer, time } = this;
    observer.sampled({
      atMs: Math.round(time.monoMs()),
      entries: witness.entries,
      pending: machines.reduce((sum, { name }) => sum + witness.pendingOf(name), 0),
      offline: machines.filter(({ name }) => !network.reaches(name)).length,
      down: machines.filter(({ agent }) => agent.life === undefined).length,
    });
  }

  /** Everything that went wrong ends. */
  heal(): void {
    this.isHealing = true;
    for (const clone of this.clones) this.#switchOff(clone);
    this.network.weather = fairWeather;
    this.network.setBroker(true);
    for (const { name, agent, disk, clock } of this.machines) {
      const air = this.network.airOf(name);
      Object.assign(air, { isUp: true, isSilentUp: false, isSilentDown: false, latencyMs: 20 });
      air.bytesPerMs = Number.POSITIVE_INFINITY;
      Object.assign(disk, { isFull: false, failing: 0, syncMs: 1 });
      clock.offsetMs = 0;
      clock.drift(0);
      agent.life?.clock.resume();
      this.startAgent(name);
    }
    this.startGateway();
  }

  /** What has its turn begins once all that was begun before has gone as far as it can. */
  readonly turn = (work: () => void): void => void this.#turns.push(work);

  /** What is on the disk of a machine now, and all that goes with it. */
  imageOf({ name, agent, disk }: Machine): DiskImage {
    const { state } = agent;
    return { rows: disk.image(), state, mark: this.witness.mark(name), atMs: this.time.monoMs() };
  }

  /** An older image of its own disk takes the place of what is on it. */
  rewind({ name, device, agent, disk }: Machine, image: DiskImage): void {
    this.note(`rewind ${name}`);
    agent.kill();
    disk.rewind(image.rows);
    agent.state = image.state;
    this.witness.branched(name, image.mark);
    this.setBack.push({ device, sinceMs: image.atMs, atMs: this.time.monoMs() });
    this.#setBackListeners.get(name)?.(image.atMs);
  }

  /** A bit of an entry on the disk of a machine flips. */
  rot({ name, agent, disk }: Machine, chance: Chance): void {
    const key = disk.rot(ENTRY, chance);
    if (key === undefined) return;
    this.note(`rot ${name}`, key);
    agent.isSuspect = true;
    this.witness.rotted(name, key);
  }

  /** Calls `listener` when the disk of a machine is set back, with the moment it is set back to. */
  onSetBack(name: string, listener: (sinceMs: number) => void): void {
    this.#setBackListeners.set(name, listener);
  }

  /** Another machine starts from an image of the disk of one. @returns What ends it. */
  clone({ device }: Machine, image: DiskImage): () => void {
    this.#clones += 1;
    const name = `${device}-clone-${this.#clones}`;
    this.note(`clone ${name}`);
    this.witness.branched(name, image.mark);
    const clone = this.#machine(name, device);
    clone.disk.rewind(image.rows);
    clone.agent.state = image.state;
    this.clones.add(clone);
    this.startAgent(name);
    return () => this.#switchOff(clone);
  }

  #switchOff(clone: Machine): void {
    this.note(`off ${clone.name}`);
    this.clones.delete(clone);
    clone.agent.kill();
  }

  #machine(name: string, device = name): Machine {
    const { time, outside } = this;
    const { bug, primitives } = this;
    const { sha256, areBytesShared } = primitives;
    const disk = new SimDisk({
      ...{ time, areBytesShared },
      chance: this.chanceOf(`${name} disk`),
      onDurable: (ops) => this.#written(name, ops),
      onSync: () => void point(),
      onAwait: () => void point('killed-at-await', awaiting, this.#scenario.killAtAwait),
      bug: bug.deviceDisk,
    });
    const clock = new MachineClock(time, bug.clock);
    const { failing, hanging, reconnectMaxMs, keepMs } = this.#scenario;
    const chances = { failing, hanging, chance: this.chanceOf(`${name} work`) };
    const work = { outside, ...chances, keyOf: bug.keyOf, isOpen: bug.isSealForgotten };
    const killing = this.chanceOf(`${name} kills`);
    const awaiting = this.chanceOf(`${name} awaits`);
    const point = (
      where: 'killed-at-sync' | 'killed-at-await' = 'killed-at-sync',
      by = killing,
      share = this.#scenario.killAtCommit,
    ): void | Promise<never> => {
      if (this.isHealing || share === 0 || by.next() >= share) return;
      this.#met[where] += 1;
      this.#ended(agent, name);
      return never;
    };
    const agent: SimAgent = new SimAgent({
      ...{ device, machine: name, disk, clock, sha256, log: silent, turn: this.turn },
      onEpoch: (epoch) => this.witness.epochBegan(name, device, epoch),
      onBoot: (boot) => this.times.bootBegan(device, boot),
      ...{ keepMs, reconnectMaxMs },
      chance: this.chanceOf(name),
      dial: this.network.dialOf(device, name),
      forget: () => this.network.forget(name),
      workflows: (life) => this.#code?.workflows ?? workloadOf(life, work),
      point: () => point(),
      onFailed: () => this.#ended(agent, name),
      bug,
    });
    return { name, device, agent, disk, clock };
  }

  #sent(device: string, bytes: Uint8Array): void {
    this.wire.toDevice(device, bytes);
    this.network.toDevice(device, bytes);
  }

  /** A message of a device has come through the broker, to the gateway and whoever listens. */
  #arrived(device: string, bytes: Uint8Array): void {
    this.note(`up ${device}`, bytes);
    const forged = this.#forgedFrom(device, bytes);
    if (forged !== undefined) this.gateway.receive(device, forged);
    this.gateway.receive(device, bytes);
  }

  /** What came may be no message any more. */
  #forgedFrom(device: string, bytes: Uint8Array): Uint8Array | undefined {
    try {
      return this.#forger.forge(device, bytes);
    } catch {
      return undefined;
    }
  }

  #written(device: string, ops: readonly StoreOp[]): void {
    const atMs = this.time.monoMs();
    this.#trace.written(atMs, device, ops);
    this.witness.deviceWrote(device, ops, atMs);
    this.observer.wrote(device, atMs);
  }

  /** A process has ended; what watches over it starts it again. */
  #ended(agent: SimAgent, name: string): void {
    this.note(`end ${name}`);
    agent.kill();
    this.time.wakeIn(RESTART_MS, () => this.startAgent(name));
  }

  #gatewayPoint(
    gateway: Pick<SimGateway, 'kill'> = this.gateway,
    share = 1,
  ): void | Promise<never> {
    const chance = share * this.#scenario.gatewayKillAtPoint;
    if (this.isHealing || chance === 0 || this.#gatewayKills.next() >= chance) return;
    this.note('end gateway');
    this.#met['gateway-killed-at-await'] += 1;
    gateway.kill();
    this.time.wakeIn(RESTART_MS, () => this.startGateway());
    return never;
  }

  #gatewayAwait(gateway?: SimGateway): void {
    void this.#gatewayPoint(gateway, 1 / AWAITS_A_POINT);
  }

  async #openGateway(gateway: SimGateway): Promise<void> {
    await gateway.start();
    // It may have died of the last thing that it asked for.
    if (!gateway.isUp) return;
    for await (const { device, epoch, lanes: held } of eachDevice(gateway.ledger)) {
      held.forEach(({ watermark }, index) => {
        const lane = lanes[index] ?? 'normal';
        this.witness.ledgerOpened({ device, epoch, lane }, watermark);
      });
    }
  }

  /** A handler that was given up answers after all, when the call has its result. */
  #answering(ledger: Ledger): Ledger['completeCall'] {
    const share = this.#scenario.answeringTwice;
    return async (call, result) => {
      const command = await ledger.completeCall(call, result);
      if (share === 0 || this.#secondAnswers.next() >= share) return command;
      this.outside.secondAnswers += 1;
      await ledger.completeCall(call, { ...result, payload: SECOND_ANSWER });
      return command;
    };
  }

  /** Compares what the ledger says it holds with what the devices have. */
  #watched(ledger: Ledger): Ledger {
    const { witness, wire } = this;
    const completeCall = this.#answering(ledger);
    return new Proxy(ledger, {
      get(target, property) {
        if (property === 'completeCall') return completeCall;
        if (property !== 'ingest') {
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        const ingest: Ledger['ingest'] = async (batch) => {
          wire.toLedger(batch);
          const outcome = await target.ingest(batch);
          if (outcome.kind === 'committed') {
            witness.ledgerHolds(batch, outcome.position);
          }
          return outcome;
        };
        return ingest;
      },
    });
  }
}

/** What comes behind a call that has its result. */
const SECOND_ANSWER = encodeValue({ left: -1 }, 'result');
