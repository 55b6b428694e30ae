import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusView } from '@holdfast/agent';
import { SocketClient } from '@holdfast/agent/internal';
import { formatDuration, messageOf } from '@holdfast/protocol';
import { startChild, type Child } from '../real/child.ts';
import { createTcpProxy, type TcpProxy } from '../real/tcp-proxy.ts';
import type { DeviceHostMessage, DeviceHostOptions } from './device-host.ts';

export interface HandHeldOptions extends DeviceHostOptions {
  /** What runs are given. */
  readonly input: unknown;
}

const HOUR_MS = 3_600_000;
const slow = { delayMs: 600, bytesPerS: 1_200 };
const straight = { delayMs: 0, bytesPerS: Number.POSITIVE_INFINITY };
const host = fileURLToPath(new URL('./device-host.js', import.meta.url));

/** A real agent whose surroundings a person has in hand. */
export class HandHeldDevice {
  readonly #options: HandHeldOptions;
  readonly #proxy: TcpProxy;
  readonly #socket: SocketClient;
  #child: Child | undefined;
  #isSlow = false;
  #isPaused = false;
  #isDiskFull = false;
  #clockMs = 0;
  #workflows: readonly string[] = [];

  private constructor(options: HandHeldOptions, proxy: TcpProxy) {
    this.#options = options;
    this.#proxy = proxy;
    this.#socket = new SocketClient(join(options.dataDir, 'agent.sock'));
  }

  /** @throws HF_PROCESS_FAILED */
  static async start(options: HandHeldOptions): Promise<HandHeldDevice> {
    const { hostname, port } = new URL(options.gateway);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port || 1_883) });
    const device = new HandHeldDevice(options, proxy);
    try {
      await device.#start();
      return device;
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Does what a key stands for. @returns What has happened, in words; `undefined`: nothing. */
  async press(key: string): Promise<string | undefined> {
    switch (key) {
      case 'c':
        this.#proxy.setMode(this.#proxy.mode === 'up' ? 'cut' : 'up');
        return `the link is ${this.#proxy.mode}`;
      case 's':
        this.#isSlow = !this.#isSlow;
        this.#proxy.setShape(this.#isSlow ? slow : straight);
        return this.#isSlow ? 'the link has 9.6 kbit/s and 600 ms' : 'the link is fast';
      case 'k':
        return this.#kill();
      case 'p':
        return this.#pause();
      case 'd':
        this.#isDiskFull = !this.#isDiskFull;
        this.#tell();
        return this.#isDiskFull
          ? 'the disk is full: the agent sees it after its next commit'
          : 'the disk has room';
      case 'j':
      case 'J':
        this.#clockMs += key === 'j' ? HOUR_MS : -HOUR_MS;
        this.#tell();
        return this.#clockText();
      default:
        return /^[1-9]$/.test(key) ? this.#run(Number(key)) : undefined;
    }
  }

  /** How the device is, in a line. */
  async line(): Promise<string> {
    const { mode } = this.#proxy;
    const around = [
      `link ${mode === 'up' ? (this.#isSlow ? 'slow' : 'up') : mode}`,
      ...(this.#isDiskFull ? ['disk full'] : []),
      ...(this.#clockMs === 0 ? [] : [this.#clockText()]),
    ].join(', ');
    if (this.#child?.isAlive !== true) return `dead     ${around}`;
    if (this.#isPaused) return `stopped  ${around}`;
    try {
      return `${statusText(await this.#socket.status())}   ${around}`;
    } catch (error) {
      return `does not answer (${messageOf(error)})   ${around}`;
    }
  }

  async close(): Promise<void> {
    if (this.#isPaused) await this.#pause();
    await this.#child?.end('SIGTERM');
    await this.#proxy.close();
  }

  async #start(): Promise<void> {
    const { device, dataDir, code } = this.#options;
    const gateway = `mqtt://127.0.0.1:${this.#proxy.port}`;
    const options: DeviceHostOptions = { device, dataDir, code, gateway };
    this.#child = await startChild({ name: device, args: [host, JSON.stringify(options)] });
    this.#workflows = this.#child.ready['workflows'] as readonly string[];
    this.#tell();
  }

  async #kill(): Promise<string> {
    if (this.#child?.isAlive === true) {
      this.#isPaused = false;
      await this.#child.end('SIGKILL');
      return 'the agent is killed';
    }
    await this.#start();
    return 'the agent goes on from its journal';
  }

  async #pause(): Promise<string> {
    if (this.#child?.isAlive !== true) return 'the agent is dead';
    this.#isPaused = !this.#isPaused;
    process.kill(this.#child.pid, this.#isPaused ? 'SIGSTOP' : 'SIGCONT');
    return this.#isPaused ? 'the agent is stopped' : 'the agent goes on';
  }

  /** A new process has to be told anew. */
  #tell(): void {
    const message: DeviceHostMessage = { isDiskFull: this.#isDiskFull, clockMs: this.#clockMs };
    if (this.#child?.isAlive === true) this.#child.send(message);
  }

  #clockText(): string {
    if (this.#clockMs === 0) return 'the clock is right';
    const way = this.#clockMs < 0 ? 'back' : 'ahead';
    return `clock ${formatDuration(Math.abs(this.#clockMs))} ${way}`;
  }

  async #run(number: number): Promise<string> {
    const workflow = this.#workflows[number - 1];
    if (workflow === undefined) return `there are ${this.#workflows.length} workflows`;
    try {
      const { id } = await this.#socket.start({ workflow, input: this.#options.input });
      return `${workflow} ${id} began`;
    } catch (error) {
      return `${workflow} did not begin: ${messageOf(error)}`;
    }
  }
}

function statusText({ link, backlog, runs }: StatusView): string {
  const counts = Object.entries(runs).filter(([, count]) => count > 0);
  const all = counts.map(([state, count]) => `${count} ${state}`).join(', ') || 'no runs';
  return `${link.state.padEnd(8)} ${backlog.pending} pending   ${all}`;
}
