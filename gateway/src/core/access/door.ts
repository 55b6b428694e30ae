import { messageOf, type Clock, type Log } from '@holdfast/protocol';
import type { Admit, NotAdmitted, Presented } from './admission.ts';
import { AttemptLimit } from './attempt-limit.ts';
import type { BrokerRefusals } from './broker-refusals.ts';

/** Why somebody is not let in at a broker. */
export type Turned = Omit<NotAdmitted, 'reason'> & {
  readonly reason: NotAdmitted['reason'] | 'limit' | 'unavailable';
};

export interface DoorPorts {
  /** `undefined`: anybody is let in. */
  readonly admit: Admit | undefined;
  readonly refusals: BrokerRefusals;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
}

/** Each may try in vain as often as this, as one device; then no proof is read. */
const perClaim = { failuresMax: 20, windowMs: 60_000 };

/** Decides who is let in at a broker, bounds how often it is tried, and counts who is not. */
export class Door {
  readonly #ports: DoorPorts;
  readonly #limit = new AttemptLimit(perClaim);

  constructor(ports: DoorPorts) {
    this.#ports = ports;
  }

  /** `undefined`: it is let in. Never rejects. @param from Network address. */
  async turns(who: Presented, from: string): Promise<Turned | undefined> {
    const { refusals, log } = this.#ports;
    const turned = await this.#decide(who, from);
    if (turned === undefined) return undefined;
    refusals.add(turned.reason);
    log.debug('a connection was refused', { device: who.device, from, ...turned });
    return turned;
  }

  async #decide(who: Presented, from: string): Promise<Turned | undefined> {
    const { admit, clock, log } = this.#ports;
    if (admit === undefined) return undefined;
    const claim = `${from} ${who.device}`;
    // TLS has seen to the key of a certificate: nobody locks out a device that has one.
    const isCertain = who.certificate?.problem === undefined && who.certificate !== undefined;
    try {
      if (!isCertain) this.#limit.check(claim, clock.nowMs());
    } catch {
      return { reason: 'limit', why: `too many attempts as ${who.device} from ${from}` };
    }
    try {
      const turned = await admit(who);
      if (turned === undefined) this.#limit.succeeded(claim);
      else this.#limit.failed(claim, clock.nowMs());
      return turned;
    } catch (error) {
      log.error('nobody can be let in at the broker', { why: messageOf(error) });
      return { reason: 'unavailable', why: 'nothing is known of devices now' };
    }
  }
}
