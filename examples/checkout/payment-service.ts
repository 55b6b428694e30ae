import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { BadRequest, fault, serveJson, type Service } from '../stand-ins/http-service.ts';
import { IdempotentWork } from '../stand-ins/idempotent-work.ts';

export interface PaymentOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
  /** Cards are declined above this amount. Default 100000, a thousand euros. */
  readonly amountMax?: number;
}

/** A row of `GET /charges`. */
export interface Charge {
  readonly key: string;
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly authorization: string;
  /** RFC 3339. */
  readonly at: string;
  /** Requests that came with the key. The customer paid for one. */
  readonly requests: number;
  readonly refunded: boolean;
}

/**
 * Stands in for a bank. It knows nothing of Holdfast; what it offers is what a payment service
 * should: an Idempotency-Key. What it knows it forgets when it ends.
 *
 *   POST /authorize {orderId, amount, currency} → 200 {authorization} · 402 {reason} · 503
 *   POST /refund    {authorization}             → 200 {authorization} · 404 · 503
 *   GET  /charges                               → every charge that was made
 *   POST /faults    {fail, kind, delayMs}       → what goes wrong from now
 *
 * @throws The system's error when the port cannot be had.
 */
export function servePayment(options: PaymentOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const work = new IdempotentWork(faults);
  const charges: Omit<Charge, 'requests' | 'refunded'>[] = [];
  const refunded = new Set<string>();
  const amountMax = options.amountMax ?? 100_000;

  return serveJson(options.port ?? 0, {
    'POST /authorize': (request) => {
      const { orderId, amount, currency } = readPayment(request.body);
      return work.answer(request, orderId, (key) => {
        if (amount > amountMax) return fault(402, 'above the limit of the card');
        const authorization = `AUTH-${String(charges.length + 1).padStart(5, '0')}`;
        const at = new Date().toISOString();
        charges.push({ key, orderId, amount, currency, authorization, at });
        return { status: 200, body: { authorization } };
      });
    },
    'POST /refund': (request) => {
      const { authorization } = request.body;
      if (typeof authorization !== 'string') throw new BadRequest('authorization is missing');
      return work.answer(request, authorization, () => {
        if (!charges.some((charge) => charge.authorization === authorization)) {
          return fault(404, `there is no charge ${authorization}`);
        }
        refunded.add(authorization);
        return { status: 200, body: { authorization } };
      });
    },
    'GET /charges': () => {
      const rows = charges.map((charge): Charge => {
        const { key, authorization } = charge;
        return { ...charge, requests: work.requests(key), refunded: refunded.has(authorization) };
      });
      return { status: 200, body: rows };
    },
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
  });
}

type Payment = Pick<Charge, 'orderId' | 'amount' | 'currency'>;

function readPayment(body: Readonly<Record<string, unknown>>): Payment {
  const { orderId, amount, currency } = body;
  if (typeof orderId !== 'string' || orderId === '') throw new BadRequest('orderId is missing');
  if (typeof amount !== 'number' || !(amount > 0)) throw new BadRequest('amount is not above 0');
  if (typeof currency !== 'string') throw new BadRequest('currency is missing');
  return { orderId, amount, currency };
}
