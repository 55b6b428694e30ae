import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { HandHeldDevice } from '../device/hand-held-device.ts';
import { keyHelp } from '../device/key-help.ts';
import { ownFile } from '../fleet/fleet-process.ts';
import type { DeviceFlags } from './device.ts';

const LOOK_EVERY_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';

/** Holds one device for as long as a person wants. */
export async function hold(flags: DeviceFlags): Promise<void> {
  const input = jsonOf(flags.input);
  if (!/^mqtt:\/\/[^/:]+(:\d+)?$/.test(flags.gateway)) {
    const why = `--gateway is ${flags.gateway}; write mqtt://host:port: the wire to it is cut here`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  const ownDir = flags.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'holdfast-hand-')) : '';
  const dataDir = flags.dataDir ?? join(ownDir, 'device');
  const code = flags.code ?? ownFile('fleet-flows.js');
  const { device: name, gateway } = flags;
  try {
    const device = await HandHeldDevice.start({ device: name, gateway, dataDir, code, input });
    await new Session(device).until();
    await device.close();
  } finally {
    if (ownDir !== '') await rm(ownDir, { recursive: true, force: true });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('HF_USAGE', { why: `--input is no JSON: ${messageOf(cause)}`, cause });
  }
}

/** Brings keys to a device, and what becomes of them to the person. */
class Session {
  readonly #device: HandHeldDevice;
  readonly #isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  #shown = '';
  #last: Promise<void> = Promise.resolve();

  constructor(device: HandHeldDevice) {
    this.#device = device;
  }

  /** Resolves when the person has had enough. */
  async until(): Promise<void> {
    for (const [key, what] of Object.entries(keyHelp)) this.#say(`  ${key}  ${what}`);
    const timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    try {
      await this.#keys();
      await this.#last;
    } finally {
      clearInterval(timer);
      if (this.#isTerminal) process.stdin.setRawMode(false);
      process.stdin.pause();
    }
  }

  #keys(): Promise<void> {
    return new Promise((resolve) => {
      const press = (key: string): void => {
        if (key === 'q' || key === '\u0003') resolve();
        else this.#last = this.#last.then(() => this.#press(key));
      };
      process.once('SIGINT', () => resolve());
      if (this.#isTerminal) {
        emitKeypressEvents(process.stdin);
        process.stdin
          .setRawMode(true)
          .on('keypress', (_, { sequence }: { sequence: string }) => press(sequence));
        return;
      }
      process.stdin.setEncoding('utf8').on('end', resolve);
      process.stdin.on('data', (text: string) => [...text.replaceAll(/\s/g, '')].forEach(press));
    });
  }

  async #press(key: string): Promise<void> {
    try {
      const what = await this.#device.press(key);
      this.#say(what ?? `${key}: no such key; there are ${Object.keys(keyHelp).join(' ')}`);
    } catch (error) {
      this.#say(messageOf(error));
    }
    await this.#look();
  }

  /** On a terminal the last line is how it is now; elsewhere it is told when it changes. */
  async #look(): Promise<void> {
    const line = await this.#device.line();
    if (line === this.#shown) return;
    this.#shown = line;
    process.stdout.write(this.#isTerminal ? `${CLEAR_LINE}${this.#fitted(line)}` : `${line}\n`);
  }

  #say(what: string): void {
    const below = `${CLEAR_LINE}${what}\n${this.#fitted(this.#shown)}`;
    process.stdout.write(this.#isTerminal ? below : `${what}\n`);
  }

  /** A line that the terminal broke could not be taken away again. */
  #fitted(line: string): string {
    return line.slice(0, process.stdout.columns || line.length);
  }
}
