import { workflow, type Context } from '@holdfast/agent';
import { book, giveBack, type Booking, type Kind } from './booking.ts';

export interface Trip {
  /** Names the trip at every company. */
  readonly id: string;
  /** What it takes, in the order in which it is booked. Default: flight, hotel, car. */
  readonly parts?: readonly Kind[];
}

const everything: readonly Kind[] = ['flight', 'hotel', 'car'];

/**
 * Books all of a trip, or none of it.
 *
 * When a part cannot be had, the run fails, and what was booked is given back, last first. Each
 * compensation is a durable step with retries for about a day: it is begun only once, goes on after
 * a power cut in the middle of the rollback, and one that fails keeps none of the others from
 * being tried.
 */
export const bookTrip = workflow('book-trip', async (ctx, trip: Trip) => {
  const bookings: Booking[] = [];
  for (const kind of trip.parts ?? everything) {
    await ctx.setStatus(`booking the ${kind}`);
    bookings.push(await bookPart(ctx, trip.id, kind));
  }
  await ctx.setStatus('booked');
  return { bookings };
});

function bookPart(ctx: Context, trip: string, kind: Kind): Promise<Booking> {
  return ctx.step(`book-${kind}`, (info) => book(kind, trip, info), {
    retry: { attempts: 20, minDelay: '200ms', maxDelay: '30s' },
    timeout: '5s',
    compensate: (booking, info) => giveBack(kind, trip, { booking, info }),
  });
}
