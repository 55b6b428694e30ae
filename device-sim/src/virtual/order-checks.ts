import { eachDevice } from '@holdfast/gateway/internal';
import { decodeValue, encodeValue, equalBytes, type Entry } from '@holdfast/protocol';
import type { HeldOfAll } from './ledger-checks.ts';
import { SETTING, type DeviceOrder, type DeviceOrders } from './orders.ts';
import type { World } from './world.ts';

/** What the gateway's word on the time may be wrong by, on links as bad as these. */
const EARLY_MS = 10_000;
/** A process may be stopped, or its disk be slow, between the judgement and its commit. */
const LATE_MS = 120_000;

type Receipt = Extract<Entry, { readonly kind: 'command.receipt' }>;

/** What became of the commands of people and programs. */
export interface OrderCounts {
  applied: number;
  expired: number;
  rejected: number;
}

/** Whether each command that the ledger has for a device has its receipt there. */
export async function areOrdersSettled({ gateway }: World): Promise<boolean> {
  if (!gateway.isUp) return false;
  for await (const { lastCommand, lastReceipt } of eachDevice(gateway.ledger)) {
    if (lastReceipt < lastCommand) return false;
  }
  return true;
}

/**
 * P6: each command has its effect once, and one receipt that says so, or no effect and a receipt
 * that says why; in the order of their numbers. Whether it came too late, the true time says.
 */
export async function checkOrders(
  world: World,
  orders: DeviceOrders,
  held: HeldOfAll,
): Promise<OrderCounts> {
  for (const [device, { entries }] of held) checkNumbers(world, device, entries);
  const counts = { applied: 0, expired: 0, rejected: 0 };
  const { ledger } = world.gateway;
  for (const [id, order] of orders) {
    const entries = held.get(order.device)?.entries ?? [];
    const receipts = entries.filter((each) => each.kind === 'command.receipt' && each.key === id);
    const judge = new Judge(world, { id, order, entries });
    const { commands } = await ledger.dispatched({ id, limit: 2 });
    const [told] = commands;
    if (order.isAcknowledged && (await ledger.dispatch(id)) === undefined) {
      judge.blame('was acknowledged, and is forgotten');
    }
    if (told === undefined) continue;
    const [receipt] = receipts as readonly Receipt[];
    if (receipts.length !== 1 || receipt === undefined) {
      judge.blame(`has ${receipts.length} receipts`);
      continue;
    }
    counts[receipt.outcome] += 1;
    if (told.outcome !== receipt.outcome) judge.blame(`counts as ${told.outcome}`);
    judge.outcome(receipt);
    judge.effect(receipt);
  }
  await checkSettings(world, orders, held);
  for (const { id, to } of await ledger.dispatches({ limit: Number.MAX_SAFE_INTEGER })) {
    if (!orders.has(id)) world.witness.blame('P6', to, `${id} was given by nobody`);
  }
  return counts;
}

/** Every command has a number, and the receipts of a device are those numbers, in their order. */
function checkNumbers({ witness }: World, device: string, entries: readonly Entry[]): void {
  let last = 0;
  for (const entry of entries) {
    if (!('command' in entry) || entry.command === 0) continue;
    const { command } = entry;
    if (command !== last + 1) {
      witness.blame('P6', device, `command ${command} was obeyed behind ${last}`);
    }
    last = command;
  }
}

/** Judges what became of one command. */
class Judge {
  readonly #world: World;
  readonly #id: string;
  readonly #order: DeviceOrder;
  readonly #entries: readonly Entry[];

  constructor(
    world: World,
    of: { readonly id: string; readonly order: DeviceOrder; readonly entries: readonly Entry[] },
  ) {
    this.#world = world;
    this.#id = of.id;
    this.#order = of.order;
    this.#entries = of.entries;
  }

  blame(what: string): void {
    this.#world.witness.blame('P6', this.#order.device, `${this.#id} ${what}`);
  }

  /** The device knows the time by what the gateway says, whatever its own clock shows. */
  outcome({ outcome }: Receipt): void {
    const { expiresAtMs, kind, device } = this.#order;
    const atMs = this.#world.witness.receiptAtMs(device, this.#id) ?? 0;
    const lateMs = this.#world.time.beganAtMs + atMs - expiresAtMs;
    const mayExpire = expiresAtMs > 0 && lateMs > -EARLY_MS;
    const ms = Math.round(Math.abs(lateMs));
    if (outcome === 'expired' && !mayExpire) this.blame(`expired ${ms} ms too early`);
    if (outcome !== 'expired' && expiresAtMs > 0 && lateMs > LATE_MS) {
      this.blame(`was obeyed ${ms} ms too late`);
    }
    const expected = kind === 'run.signal' ? 'rejected' : 'applied';
    if (outcome !== 'expired' && outcome !== expected) this.blame(`is ${outcome}`);
  }

  effect({ outcome }: Receipt): void {
    const { kind, run } = this.#order;
    if (kind !== 'run.start') return;
    const starts = this.#entries.filter((each) => each.kind === 'run.started' && each.run === run);
    const expected = outcome === 'applied' ? 1 : 0;
    if (starts.length !== expected) this.blame(`is ${outcome}, and began ${starts.length} times`);
  }
}

/** A device has the setting that the last command which it obeyed has set. */
async function checkSettings(world: World, orders: DeviceOrders, held: HeldOfAll): Promise<void> {
  for (const { name: device, agent } of world.machines) {
    const obeyed = (held.get(device)?.entries ?? []).findLast((entry) => {
      const isApplied = entry.kind === 'command.receipt' && entry.outcome === 'applied';
      return isApplied && orders.get(entry.key)?.kind === 'config.set';
    });
    const order = obeyed?.kind === 'command.receipt' ? orders.get(obeyed.key) : undefined;
    const found = await agent.life?.parts.runtime.config(SETTING);
    const expected = order && encodeValue(order.value, 'payload');
    const isSame =
      found === undefined || expected === undefined
        ? found === expected
        : equalBytes(found, expected);
    if (isSame) continue;
    const has = found === undefined ? 'nothing' : String(decodeValue(found));
    world.witness.blame('P6', device, `${SETTING} is ${has}, not ${order?.value}`);
  }
}
