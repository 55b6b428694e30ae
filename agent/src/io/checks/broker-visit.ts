import { HoldfastError, messageOf, type Link, type LinkDown } from '@holdfast/protocol';
import { failed, found, type Finding } from '../../core/finding.ts';
import { createMqttDial, type MqttDialOptions } from '../mqtt-dial.ts';
import type { Greeting } from './greeting.ts';

const IN_HINT = 'A broker lets a device in by its name, its password and its topics.';

/** One connection to a broker, as a device's: it connects, says something, and goes. */
export class BrokerVisit {
  readonly #dial: ReturnType<ReturnType<typeof createMqttDial>>;
  #link: Link | undefined;
  #onBytes: (bytes: Uint8Array) => void = () => {};
  #onDown: (reason: LinkDown) => void = () => {};

  constructor(options: MqttDialOptions, device: string) {
    this.#dial = createMqttDial(options)(device);
  }

  /**
   * Connects and subscribes, as the agent does. `undefined`: it is in.
   *
   * @param onPacketMax Told what the broker says of the packets that it takes.
   */
  connect(onPacketMax: ((bytes: number) => void) | undefined): Promise<Finding | undefined> {
    return new Promise((resolve) => {
      this.#onDown = (reason) => resolve(refused(reason));
      this.#link = this.#dial((event) => {
        if (event.kind === 'message') return this.#onBytes(event.bytes);
        if (event.kind === 'down') return this.#onDown(event.reason);
        if (event.packetBytesMax !== undefined) onPacketMax?.(event.packetBytesMax);
        resolve(undefined);
      });
    });
  }

  /** Greets the gateway. `undefined`: it has answered. */
  greet(greeting: Greeting): Promise<Finding | undefined> {
    return new Promise((resolve) => {
      this.#onDown = (reason) => resolve(refused(reason));
      this.#onBytes = (bytes) => {
        try {
          if (greeting.read(bytes)) resolve(undefined);
        } catch (error) {
          resolve(unwelcome(error));
        }
      };
      void this.#link?.send('up', greeting.bytes);
    });
  }

  end(): void {
    this.#link?.close();
  }
}

function refused({ code, message }: LinkDown): Finding {
  return { ...found('uplink', 'failure', message, IN_HINT), code };
}

function unwelcome(error: unknown): Finding {
  if (error instanceof HoldfastError) return failed('uplink', error);
  return found('uplink', 'failure', messageOf(error));
}
