import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { BadRequest, fault, serveJson, type Service } from '../stand-ins/http-service.ts';
import { IdempotentWork } from '../stand-ins/idempotent-work.ts';

export interface InventoryOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
  /** What there is of each article at first. Default 1000. */
  readonly stock?: number;
}

/** A row of `GET /updates`. */
export interface Update {
  readonly key: string;
  readonly orderId: string;
  readonly sku: string;
  readonly quantity: number;
  /** RFC 3339. */
  readonly at: string;
  /** Requests that came with the key. The goods left once. */
  readonly requests: number;
}

/**
 * Stands in for a warehouse in the cloud. The gateway posts the calls of all devices to it, each
 * with its Idempotency-Key. What it knows it forgets when it ends.
 *
 *   POST /update  {orderId, sku, quantity} → 200 {sku, left} · 409 when there are too few · 503
 *   GET  /updates                          → every update that was made
 *   POST /faults  {fail, kind, delayMs}    → what goes wrong from now
 *
 * @throws The system's error when the port cannot be had.
 */
export function serveInventory(options: InventoryOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const work = new IdempotentWork(faults);
  const updates: Omit<Update, 'requests'>[] = [];
  const stock = new Map<string, number>();

  return serveJson(options.port ?? 0, {
    'POST /update': (request) => {
      const { orderId, sku, quantity } = readUpdate(request.body);
      return work.answer(request, orderId, (key) => {
        const left = (stock.get(sku) ?? options.stock ?? 1_000) - quantity;
        if (left < 0) return fault(409, `there are too few of ${sku}`);
        stock.set(sku, left);
        updates.push({ key, orderId, sku, quantity, at: new Date().toISOString() });
        return { status: 200, body: { sku, left } };
      });
    },
    'GET /updates': () => {
      const rows = updates.map((row): Update => ({ ...row, requests: work.requests(row.key) }));
      return { status: 200, body: rows };
    },
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
  });
}

function readUpdate(
  body: Readonly<Record<string, unknown>>,
): Pick<Update, 'orderId' | 'sku' | 'quantity'> {
  const { orderId, sku, quantity } = body;
  if (typeof orderId !== 'string' || orderId === '') throw new BadRequest('orderId is missing');
  if (typeof sku !== 'string' || sku === '') throw new BadRequest('sku is missing');
  if (typeof quantity !== 'number' || !Number.isSafeInteger(quantity) || quantity < 1) {
    throw new BadRequest('quantity is not an integer from 1');
  }
  return { orderId, sku, quantity };
}
