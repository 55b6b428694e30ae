import type { Executed } from './sim-gateway.ts';
import type { Witness } from './witness.ts';

/** P6: a call is executed by one gateway at a time, however many there are on one ledger. */
export class CallChecks {
  readonly #witness: Witness;
  readonly #by = new Map<string, Executed['by']>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** A handler is given a call: whoever was given it before is this one, or dead. */
  executed({ device, key, by }: Executed): void {
    const before = this.#by.get(key);
    this.#by.set(key, by);
    if (before === undefined || before === by || before.isDead) return;
    this.#witness.blame('P6', device, `the call ${key} is executed by two gateways that live`);
  }
}
