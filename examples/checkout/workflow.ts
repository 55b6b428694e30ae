import { HoldfastError, workflow, type Context, type StepOptions } from '@holdfast/agent';
import { authorize, refund } from './card-terminal.ts';
import { printReceipt, takeOrder } from './kiosk-files.ts';
import { problemOf, type Order } from './order.ts';

/** How a checkout ends. Each is a completed run: a refused card is business, not a failure. */
export type Outcome =
  | { readonly status: 'confirmed'; readonly authorization: string; readonly receipt: string }
  | { readonly status: 'declined' | 'refused' | 'duplicate'; readonly reason: string }
  | { readonly status: 'refunded'; readonly authorization: string; readonly reason: string };

/** Once money may have moved, giving up is no option: a step goes on until it knows. */
const untilKnown: StepOptions = {
  retry: { attempts: Infinity, minDelay: '200ms', maxDelay: '30s' },
  timeout: '5s',
};

/**
 * Sells one order at a kiosk: intake, payment, inventory, confirmation.
 *
 * What it says with `setStatus` is what the customer reads. A power cut at any line is harmless:
 * the run goes on behind the last step that was journaled, and the card is charged once.
 */
export const checkout = workflow('checkout', async (ctx, order: Order): Promise<Outcome> => {
  const problem = problemOf(order);
  if (problem !== undefined) {
    await ctx.setStatus('This order cannot be placed.');
    return { status: 'refused', reason: problem };
  }

  const intake = await ctx.step('order-intake', () => takeOrder(order, ctx.runId));
  if (intake.runId !== ctx.runId) {
    await ctx.setStatus('This order has been placed already.');
    return { status: 'duplicate', reason: `run ${intake.runId} has this order` };
  }

  await ctx.setStatus('Your card is being checked.');
  const payment = await ctx.step('authorize-payment', (info) => authorize(order, info), untilKnown);
  if (!payment.approved) {
    await ctx.setStatus('Your card was declined. Nothing was charged.');
    return { status: 'declined', reason: payment.reason };
  }

  // The call is made at the gateway, so it waits for a network: minutes, or weeks.
  await ctx.setStatus('Your order will be confirmed shortly.');
  const { authorization } = payment;
  const { id: orderId, sku, quantity } = order;
  try {
    await ctx.call('inventory.update', { orderId, sku, quantity });
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'HF_CALL_FAILED')) throw error;
    return giveBack(ctx, authorization, error.message);
  }

  const receipt = await ctx.step(
    'order-confirmation',
    () => printReceipt(order, authorization),
    untilKnown,
  );
  await ctx.setStatus('Your order is confirmed.');
  return { status: 'confirmed', authorization, receipt };
});

/** The goods cannot be had, and that is final. Nothing paid may stay paid. */
async function giveBack(ctx: Context, authorization: string, reason: string): Promise<Outcome> {
  await ctx.step('refund-payment', (info) => refund(authorization, info), untilKnown);
  await ctx.setStatus('We are sorry: this is sold out. Your money is on its way back.');
  return { status: 'refunded', authorization, reason };
}
