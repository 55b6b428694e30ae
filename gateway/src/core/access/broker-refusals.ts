import { admissionReasons } from './admission.ts';

/** Why a broker did not do what a client wanted, in a word for metrics. */
export const brokerRefusalReasons = [
  'client-id',
  ...admissionReasons,
  'limit',
  'unavailable',
  'publish',
  'subscribe',
  'size',
  'malformed',
  'slow',
  'tls',
  'connections',
] as const;

export type BrokerRefusalReason = (typeof brokerRefusalReasons)[number];

/** Counts what brokers were not let do, or did not, since the gateway started. */
export class BrokerRefusals {
  readonly #counts = new Map<BrokerRefusalReason, number>();

  add(reason: BrokerRefusalReason): void {
    this.#counts.set(reason, this.count(reason) + 1);
  }

  count(reason: BrokerRefusalReason): number {
    return this.#counts.get(reason) ?? 0;
  }
}
