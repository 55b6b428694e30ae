import type { Order } from '../virtual/workload.ts';

/** What the gateway of a fleet of real processes executes. */
export const handlers = {
  'inventory.update': ({ quantity }: Order) => ({ left: 1_000 - quantity }),
};
