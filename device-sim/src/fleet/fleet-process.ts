import { fileURLToPath } from 'node:url';
import { startChild, type Child } from '../real/child.ts';
import type { HostedDevice } from './fleet-host.ts';

/** A file of the checkout, from where this package lies in it. */
export const checkoutFile = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const ownFile = (path: string): string =>
  fileURLToPath(new URL(`./${path}`, import.meta.url));

/** A process of one agent, as a person starts it, or of many; it can die and start again. */
export class FleetProcess {
  readonly devices: readonly HostedDevice[];
  starts = 0;
  readonly #deeds: string;
  #child: Child | undefined;
  #starting: Promise<void> | undefined;
  #killing: Promise<unknown> = Promise.resolve();
  #isPaused = false;

  constructor(devices: readonly HostedDevice[], deeds: string) {
    this.devices = devices;
    this.#deeds = deeds;
  }

  get isUp(): boolean {
    return this.#child?.isAlive === true;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Resolves once it is ready. @throws HF_PROCESS_FAILED */
  async start(): Promise<void> {
    await this.#killing;
    if (this.isUp) return;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  /** SIGKILL. */
  kill(): Promise<unknown> {
    this.#killing = this.#kill();
    return this.#killing;
  }

  /** SIGSTOP, or SIGCONT. */
  pause(isPaused: boolean): void {
    if (!this.isUp || isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    process.kill(this.#child?.pid ?? 0, isPaused ? 'SIGSTOP' : 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.pause(false);
    await this.#child?.end('SIGTERM');
    this.#child = undefined;
  }

  async #kill(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#isPaused = false;
    await this.#child?.end('SIGKILL');
    this.#child = undefined;
  }

  async #start(): Promise<void> {
    const [first, ...others] = this.devices;
    if (first === undefined) return;
    this.starts += 1;
    const args =
      others.length === 0
        ? [
            ...[checkoutFile('agent/bin/holdfast.js'), 'run', '-o', 'json'],
            ...['--data-dir', first.dataDir, '--device', first.device],
            ...['--gateway', first.gateway, '--code', ownFile('fleet-flows.js')],
            ...['--retention', first.retention],
          ]
        : [ownFile('fleet-host.js'), JSON.stringify(this.devices)];
    const env = { HOLDFAST_FLEET_DEEDS: this.#deeds };
    this.#child = await startChild({ name: first.device, args, env, readyMs: READY_MS });
  }
}

/** On a busy machine many agents start one after another. */
const READY_MS = 120_000;
