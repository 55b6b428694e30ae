/** What a customer taps together at the kiosk. */
export interface Order {
  /** Names the order everywhere, files included: letters, digits, `-` and `_`, at most 64. */
  readonly id: string;
  readonly customer?: string;
  readonly sku: string;
  readonly quantity: number;
  /** Of the whole order, in the smallest unit of the currency: 1290 is 12.90 EUR. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

/**
 * Says why something is not an order, or `undefined` when it is one.
 *
 * Orders come from people and files, so this is checked at the border. It depends on nothing but
 * its argument, which is why the workflow may call it outside a step.
 */
export function problemOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return 'the order is not an object';
  const { id, customer, sku, quantity, amount, currency } = input as Record<string, unknown>;
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    return 'its id is not 1 to 64 letters, digits, - or _';
  }
  if (customer !== undefined && typeof customer !== 'string') return 'its customer is not text';
  if (typeof sku !== 'string' || sku === '') return 'its sku is missing';
  if (!isCount(quantity)) return 'its quantity is not an integer from 1';
  if (!isCount(amount)) return 'its amount is not an integer from 1, such as cents';
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) {
    return 'its currency is not three capital letters';
  }
  return undefined;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** `12.90 EUR`. */
export function price(order: Order): string {
  return `${(order.amount / 100).toFixed(2)} ${order.currency}`;
}
