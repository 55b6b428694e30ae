import type { StepInfo } from '@holdfast/agent';
import type { Order } from './order.ts';

const paymentUrl = process.env['PAYMENT_URL'] ?? 'http://127.0.0.1:4001';

/** What the bank said. */
export type Payment =
  | { readonly approved: true; readonly authorization: string }
  | { readonly approved: false; readonly reason: string };

/** The payment service gave no answer that settles anything: asking again is right. */
export class PaymentUnavailable extends Error {
  override readonly name = 'PaymentUnavailable';
}

/**
 * Asks for the money.
 *
 * A refused card is an answer, so it is returned and journaled like one. Everything else rejects:
 * whether the card was charged is not known then, and only the same idempotency key makes it safe
 * to ask again.
 */
export async function authorize(order: Order, info: StepInfo): Promise<Payment> {
  const { id: orderId, amount, currency } = order;
  const response = await post('/authorize', { orderId, amount, currency }, info);
  if (response.status === 402) {
    const { reason } = (await response.json()) as { readonly reason: string };
    return { approved: false, reason };
  }
  if (!response.ok) throw unavailable(response);
  const { authorization } = (await response.json()) as { readonly authorization: string };
  return { approved: true, authorization };
}

/** Gives the money back. */
export async function refund(authorization: string, info: StepInfo): Promise<void> {
  const response = await post('/refund', { authorization }, info);
  if (!response.ok) throw unavailable(response);
}

function post(path: string, body: unknown, info: StepInfo): Promise<Response> {
  return fetch(new URL(path, paymentUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': info.idempotencyKey },
    body: JSON.stringify(body),
    signal: info.signal,
  });
}

function unavailable(response: Response): PaymentUnavailable {
  return new PaymentUnavailable(`the payment service answered ${response.status}`);
}
