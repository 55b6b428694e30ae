import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { Agent, workflow } from '@holdfast/agent';
import { openLevelLedger, sha256 } from '@holdfast/gateway/internal';
import { encodeCbor, lanes } from '@holdfast/protocol';
import type { Benchmark, Measured } from './benchmark.ts';
import { startGateway } from './child.ts';
import { countingWire } from './counting-wire.ts';
import { inScratch } from './scratch.ts';

/**
 * How many bytes go over the wire for one step of a checkout, when many are sent together?
 *
 * A morning's orders are journaled without a link; then all bytes from the device to the broker
 * are counted on TCP, from connecting to the last ack: greeting, reports, frames, signatures, and
 * the chain's hashes. Divided by steps: what a run has besides (its start, its end, what it says of
 * itself) is on them. The limit: the same entries, 256 a time, deflated.
 */
const ORDERS = 1_000;
const ORDERS_AT_ONCE = 50;
const STEPS_AN_ORDER = 4;
const BLOCK = 256;
const DEVICE = 'kiosk-7';
const goods = ['oat-milk-1l', 'filter-papers-100', 'espresso-500g', 'cup-240ml'];

interface Order {
  readonly id: string;
  readonly sku: string;
  readonly quantity: number;
  readonly amount: number;
}

const checkout = workflow('checkout', async (ctx, order: Order) => {
  await ctx.step('order-intake', () => ({ orderId: order.id, runId: ctx.runId, accepted: true }));
  await ctx.setStatus('Your card is being checked.');
  const payment = await ctx.step('authorize-payment', ({ idempotencyKey }) => ({
    approved: true,
    authorization: sha256(new TextEncoder().encode(idempotencyKey)).slice(0, 6).join('-'),
  }));
  await ctx.setStatus('Your order will be confirmed shortly.');
  await ctx.step('inventory-update', () => ({ sku: order.sku, left: order.amount % 97 }));
  const receipt = await ctx.step('order-confirmation', () => `receipts/${order.id}.txt`);
  return { status: 'confirmed', authorization: payment.authorization, receipt };
});

function orderOf(index: number): Order {
  const sku = goods[index % goods.length] ?? '';
  return { id: `A-${1_000 + index}`, sku, quantity: 1 + (index % 3), amount: 249 + 7 * index };
}

async function sell(dataDir: string, orders: number): Promise<number> {
  const agent = await Agent.open({ dataDir, device: DEVICE, workflows: [checkout] });
  for (let from = 0; from < orders; from += ORDERS_AT_ONCE) {
    const some = Array.from({ length: Math.min(ORDERS_AT_ONCE, orders - from) }, async (_, at) => {
      const order = orderOf(from + at);
      await (await agent.start(checkout, order, { id: `order-${order.id}` })).result();
    });
    await Promise.all(some);
  }
  const { pending } = (await agent.status()).backlog;
  await agent.close();
  return pending;
}

/** Bytes of what the ledger holds, in deflated blocks and nothing around them. */
async function bareBytes(gatewayDir: string): Promise<number> {
  const ledger = await openLevelLedger(join(gatewayDir, 'ledger'), { sha256, isNew: false });
  let bytes = 0;
  for (const lane of lanes) {
    for (let after = 0; ; after += BLOCK) {
      const block = await ledger.entries({ device: DEVICE, lane, after, limit: BLOCK });
      if (block.length === 0) break;
      bytes += deflateRawSync(encodeCbor(block.map((each) => each.bytes))).byteLength;
    }
  }
  await ledger.close();
  return bytes;
}

async function measure(): Promise<Measured> {
  return inScratch(async (dir) => {
    const [device, gatewayDir] = [join(dir, 'device'), join(dir, 'gateway')];
    const [entries, steps] = [await sell(device, ORDERS), ORDERS * STEPS_AN_ORDER];
    const gateway = await startGateway(gatewayDir);
    const wire = await countingWire(Number(new URL(gateway.mqtt).port));
    const agent = await Agent.open({
      ...{ dataDir: device, workflows: [checkout], gateway: wire.url },
    });
    await agent.synced();
    const { up, down } = wire.passed;
    await agent.close();
    wire.close();
    await gateway.end('SIGTERM');
    const [ours, limit] = [up / steps, (await bareBytes(gatewayDir)) / steps];
    const facts = { steps, entries, 'bytes an entry': up / entries, 'bytes back': down / steps };
    return { ours, limit, ratio: ours / limit, facts };
  });
}

export const wire: Benchmark = {
  name: 'wire',
  about: 'bytes sent for a step of a checkout in bulk; limit: deflated blocks of 256 entries',
  unit: 'B/step',
  run: measure,
};
