import { AssertionError, messageOf, type Command } from '@holdfast/protocol';
import type { UplinkPorts } from './uplink-ports.ts';

/**
 * Has commands applied, one message after another: a later command waits until the one before it
 * is durable.
 */
export class Applying {
  /** Messages with commands all of which had been applied already. */
  stale = 0;
  readonly #ports: Pick<UplinkPorts, 'runtime' | 'log'>;
  readonly #onMissed: () => void;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param onMissed A command came, and one before it did not. */
  constructor(ports: Pick<UplinkPorts, 'runtime' | 'log'>, onMissed: () => void) {
    this.#ports = ports;
    this.#onMissed = onMissed;
  }

  take(commands: readonly Command[]): void {
    this.#last = this.#applyAfter(this.#last, commands);
  }

  /** Begins with no more of them. Resolves once nothing is being applied. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#last;
  }

  async #applyAfter(earlier: Promise<void>, commands: readonly Command[]): Promise<void> {
    await earlier;
    if (this.#isClosed) return;
    const { runtime, log } = this.#ports;
    const last = Math.max(0, ...commands.map((command) => command.number));
    if (last <= runtime.lastCommand()) this.stale += 1;
    try {
      await runtime.applyCommands(commands);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      // Not applied is not lost: without a receipt the gateway sends them again.
      log.error('commands not applied', { why: messageOf(error) });
      return;
    }
    if (last > runtime.lastCommand()) this.#onMissed();
  }
}
