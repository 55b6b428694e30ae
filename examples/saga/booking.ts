import { TerminalError, type StepInfo } from '@holdfast/agent';

const travelUrl = process.env['TRAVEL_URL'] ?? 'http://127.0.0.1:4004';

/** What can be booked, each at a company of its own. */
export type Kind = 'flight' | 'hotel' | 'car';

export interface Booking {
  readonly kind: Kind;
  readonly id: string;
}

/** The company gave no answer that settles anything. */
export class CompanyUnavailable extends Error {
  override readonly name = 'CompanyUnavailable';
}

/**
 * Books, once for each idempotency key.
 *
 * @throws TerminalError when there is nothing to be had: asking again would not help.
 */
export async function book(kind: Kind, trip: string, info: StepInfo): Promise<Booking> {
  const response = await post('/book', { kind, trip }, info);
  const answer = (await response.json()) as { readonly id: string; readonly reason: string };
  if (response.status === 409) throw new TerminalError(answer.reason);
  if (!response.ok) throw new CompanyUnavailable(`${kind}: ${response.status} ${answer.reason}`);
  return { kind, id: answer.id };
}

/**
 * Gives a booking back.
 *
 * @param booking `undefined`: nobody knows whether the booking was made. The company is asked to
 *   give back whatever it has for the trip.
 */
export async function giveBack(
  kind: Kind,
  trip: string,
  { booking, info }: { readonly booking: Booking | undefined; readonly info: StepInfo },
): Promise<void> {
  const response = await post('/cancel', { kind, trip, id: booking?.id ?? null }, info);
  await response.body?.cancel();
  if (!response.ok) throw new CompanyUnavailable(`${kind}: ${response.status}`);
}

/** Longer than a company ever takes: a connection that dies in silence holds no step up. */
const ANSWER_MS = 5_000;

function post(path: string, body: unknown, info: StepInfo): Promise<Response> {
  return fetch(new URL(path, travelUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': info.idempotencyKey },
    body: JSON.stringify(body),
    signal: AbortSignal.any([info.signal, AbortSignal.timeout(ANSWER_MS)]),
  });
}
