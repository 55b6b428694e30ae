import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketClient } from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';
import { startChild, type Child } from '../real/child.ts';
import { apiOf, type GatewayApi } from '../real/gateway-api.ts';
import { createTcpProxy, type TcpProxy } from '../real/tcp-proxy.ts';
import type { Violation } from '../virtual/witness.ts';
import { checkoutFile, FleetProcess, ownFile } from './fleet-process.ts';
import { FLEET_RETENTION_MS } from './rest-checks.ts';
import { WireWatch } from './wire-watch.ts';

/** Above it, agents share processes. */
const PROCESSES_MAX = 50;
const AGENTS_A_PROCESS = 25;
/** Starting all at once would take more of a small machine than it has. */
const STARTS_AT_ONCE = 4;

export interface FleetDevice {
  readonly name: string;
  readonly dataDir: string;
  readonly proxy: TcpProxy;
  /** Who listens on its wire. */
  readonly watch: WireWatch;
  readonly process: FleetProcess;
  /** Asks the agent; fails while that is dead. */
  readonly socket: SocketClient;
}

export interface FleetOptions {
  readonly devices: number;
  /** `mqtt://host:port` of a broker that is there; default: the gateway's own. */
  readonly broker?: string | undefined;
}

/** Real agents, each behind a wire that can be cut, a real gateway, and real stores. */
export class Fleet {
  readonly dir: string;
  /** Lines of JSON: what steps have done outside. */
  readonly deeds: string;
  readonly devices: FleetDevice[] = [];
  /** What must never pass on a wire, and has. */
  readonly overheard: Violation[] = [];
  gatewayStarts = 0;
  readonly #broker: string | undefined;
  #gateway: Child | undefined;
  #starting: Promise<void> | undefined;
  #killing: Promise<unknown> | undefined;
  #ports: readonly [mqtt: number, http: number] = [0, 0];

  private constructor(dir: string, broker: string | undefined) {
    this.dir = dir;
    this.deeds = join(dir, 'deeds.jsonl');
    this.#broker = broker;
  }

  static async start({ devices, broker }: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(
      await mkdtemp(join(tmpdir(), `holdfast-fleet-${process.pid}-`)),
      broker,
    );
    try {
      await fleet.startGateway();
      await fleet.#addDevices(devices);
      await fleet.startAgents();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  get api(): GatewayApi {
    if (this.#gateway !== undefined) return apiOf(this.#gateway);
    throw new HoldfastError('HF_GATEWAY_CLOSED');
  }

  get processes(): readonly FleetProcess[] {
    return [...new Set(this.devices.map((device) => device.process))];
  }

  /** On the ports of the one before. */
  async startGateway(): Promise<void> {
    await this.#killing;
    if (this.#gateway?.isAlive === true) return;
    this.#starting ??= this.#startGateway().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  /** SIGKILL, once a start that is under way is over. */
  killGateway(): Promise<unknown> {
    this.#killing = this.#killGateway();
    return this.#killing;
  }

  async #killGateway(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#gateway?.end('SIGKILL');
  }

  async #startGateway(): Promise<void> {
    const [mqtt, http] = this.#ports;
    const broker = this.#broker;
    const way = broker === undefined ? ['--mqtt-port', String(mqtt)] : ['--broker', broker];
    this.#gateway = await startChild({
      name: 'gateway',
      args: [
        ...[checkoutFile('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'],
        ...['--data-dir', join(this.dir, 'gateway'), '--http-port', String(http), ...way],
        ...['--handlers', ownFile('fleet-handlers.js'), '--report-every', '2s'],
      ],
    });
    this.gatewayStarts += 1;
    const { ready } = this.#gateway;
    const port = (url: unknown): number => Number(new URL(String(url)).port || 1_883);
    this.#ports = [port(broker ?? ready['mqtt']), port(ready['http'])];
  }

  async startAgents(): Promise<void> {
    const waiting = this.processes.filter((each) => !each.isUp);
    const some = Array.from({ length: STARTS_AT_ONCE }, async () => {
      // Each takes the next one that nobody has taken.
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await next.start();
      }
    });
    await Promise.all(some);
  }

  /** Ends everything, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all(this.processes.map((each) => each.kill()));
    await this.killGateway();
    await Promise.all(this.devices.map(({ proxy }) => proxy.close()));
    await rm(this.dir, { recursive: true, force: true });
  }

  async #addDevices(count: number): Promise<void> {
    const { hostname: host } = new URL(this.#broker ?? 'mqtt://127.0.0.1');
    const [port] = this.#ports;
    const each = Array.from({ length: count }, async (_, index) => {
      const name = `device-${index + 1}`;
      const watch = new WireWatch(name, (promise, what) => {
        this.overheard.push({ promise, device: name, what });
      });
      const proxy = await createTcpProxy({ host, port, tap: watch.tap });
      return { name, dataDir: join(this.dir, name), proxy, watch };
    });
    const all = await Promise.all(each);
    const together = count > PROCESSES_MAX ? AGENTS_A_PROCESS : 1;
    for (let from = 0; from < count; from += together) {
      const some = all.slice(from, from + together);
      const hosted = some.map(({ name: device, dataDir, proxy }) => {
        const gateway = `mqtt://127.0.0.1:${proxy.port}`;
        return { device, dataDir, gateway, retention: `${FLEET_RETENTION_MS}ms` };
      });
      const process = new FleetProcess(hosted, this.deeds);
      for (const device of some) {
        const socket = new SocketClient(join(device.dataDir, 'agent.sock'));
        this.devices.push({ ...device, process, socket });
      }
    }
  }
}
