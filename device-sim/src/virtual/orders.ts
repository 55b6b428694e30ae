import { codeOf, encodeValue } from '@holdfast/protocol';
import type { Scenario } from '../scenario/scenario.ts';
import type { World } from './world.ts';
import type { Order } from './workload.ts';

/** A command that somebody at the gateway gave to a device. */
export interface DeviceOrder {
  readonly device: string;
  readonly kind: 'run.start' | 'run.signal' | 'config.set';
  /** What it starts, what it signals; empty: nothing. */
  readonly run: string;
  /** What it sets. */
  readonly value: number;
  /** 0: never. */
  readonly expiresAtMs: number;
  /** Whoever gave it was told that it is durable. */
  isAcknowledged: boolean;
}

/** By the id of the dispatch. */
export type DeviceOrders = ReadonlyMap<string, DeviceOrder>;

/** A run that no device has. */
export const NOBODY = 'nobody';
/** The setting that commands set. */
export const SETTING = 'pace';
/** Of ten commands. */
const [STARTS, SETS] = [5, 8];
/** One in so many never expires. */
const LASTING = 3;
const SHORT_NAP_MS = 5_000;
/** A command that is valid for less may come too late where nothing fails. */
const SHORTEST_MS = 10_000;

/** Has every device given commands for as long as the scenario says. */
export function beginOrders(world: World, scenario: Scenario): DeviceOrders {
  const orders = new Map<string, DeviceOrder>();
  // Commands start a workflow that comes along.
  if (scenario.starts.length > 0) return orders;
  for (const { name } of world.machines) giveOrders(world, scenario, { device: name, orders });
  return orders;
}

function giveOrders(
  world: World,
  { orderEveryMs, orderForMs }: Scenario,
  { device, orders }: { readonly device: string; readonly orders: Map<string, DeviceOrder> },
): void {
  if (orderEveryMs === 0) return;
  const chance = world.chanceOf(`orders of ${device}`);
  let count = 0;
  const wait = (): void => {
    world.time.wakeIn(orderEveryMs * (0.5 + chance.next()), () => {
      if (world.isHealing) return;
      count += 1;
      const id = `${device}-order-${count}`;
      const kind = kindOf(Math.floor(chance.next() * 10));
      const forMs = SHORTEST_MS + chance.next() * orderForMs;
      const expiresAtMs = count % LASTING === 0 ? 0 : Math.ceil(world.time.nowMs() + forMs);
      const run = { 'run.start': id, 'run.signal': NOBODY, 'config.set': '' }[kind];
      const order = { device, kind, run, value: count, expiresAtMs, isAcknowledged: false };
      orders.set(id, order);
      void give(world, id, order);
      wait();
    });
  };
  wait();
}

function kindOf(number: number): DeviceOrder['kind'] {
  if (number < STARTS) return 'run.start';
  return number < SETS ? 'config.set' : 'run.signal';
}

/** Nobody is told anything by a gateway that is dead, or that dies. */
async function give({ gateway, time }: World, id: string, order: DeviceOrder): Promise<void> {
  if (!gateway.isUp) return;
  const { device, kind, run, value, expiresAtMs } = order;
  const nap: Order = { id, quantity: 1, napMs: SHORT_NAP_MS };
  const what = {
    'run.start': { name: 'nap', payload: encodeValue(nap, 'input') },
    'run.signal': { name: 'decision', payload: encodeValue(value, 'payload') },
    'config.set': { name: SETTING, payload: encodeValue(value, 'payload') },
  }[kind];
  const of = { id, kind, run, expiresAtMs, issuedAtMs: time.nowMs(), by: 'sim', to: device };
  try {
    order.isAcknowledged = await gateway.issue({ ...of, ...what }, device);
  } catch (error) {
    if (codeOf(error) !== 'HF_GATEWAY_CLOSED') throw error;
  }
}
