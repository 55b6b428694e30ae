import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { BadRequest, fault, serveJson, type Service } from '../stand-ins/http-service.ts';
import { IdempotentWork } from '../stand-ins/idempotent-work.ts';

export interface TravelOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
  /** Kinds that are sold out. */
  readonly soldOut?: readonly string[];
}

/** A row of `GET /bookings`. */
export interface BookingRow {
  readonly id: string;
  readonly kind: string;
  readonly trip: string;
  readonly isCancelled: boolean;
  /** Distinct requests to cancel it, by their Idempotency-Key. One is right. */
  readonly cancellations: number;
}

/**
 * Stands in for the companies that sell flights, hotels and cars.
 *
 *   POST /book   {kind, trip}       → 200 {id} · 409 {reason} when sold out · 503
 *   POST /cancel {kind, trip, id}   → 200 · 503    id null: whatever there is for the trip
 *   GET  /bookings                  → every booking that was made
 *   POST /faults {fail, kind, delayMs} → what goes wrong from now
 *
 * @throws The system's error when the port cannot be had.
 */
export function serveTravel(options: TravelOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const work = new IdempotentWork(faults);
  const rows: { -readonly [K in keyof BookingRow]: BookingRow[K] }[] = [];

  return serveJson(options.port ?? 0, {
    'POST /book': (request) => {
      const { kind, trip } = readPart(request.body);
      return work.answer(request, `${trip}/${kind}`, () => {
        if (options.soldOut?.includes(kind) === true) return fault(409, `${kind}s are sold out`);
        const id = `${kind}-${rows.length + 1}`;
        rows.push({ id, kind, trip, isCancelled: false, cancellations: 0 });
        return { status: 200, body: { id } };
      });
    },
    'POST /cancel': (request) => {
      const { kind, trip } = readPart(request.body);
      const { id } = request.body;
      return work.answer(request, `${trip}/${kind}/cancel`, () => {
        for (const row of rows) {
          if (row.trip !== trip || row.kind !== kind) continue;
          if (id !== null && row.id !== id) continue;
          row.isCancelled = true;
          row.cancellations += 1;
        }
        return { status: 200, body: {} };
      });
    },
    'GET /bookings': () => ({ status: 200, body: rows }),
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
  });
}

function readPart(body: Readonly<Record<string, unknown>>): { kind: string; trip: string } {
  const { kind, trip } = body;
  if (typeof kind !== 'string' || kind === '') throw new BadRequest('kind is missing');
  if (typeof trip !== 'string' || trip === '') throw new BadRequest('trip is missing');
  return { kind, trip };
}
