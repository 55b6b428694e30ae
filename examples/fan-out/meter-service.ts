import { setTimeout as pause } from 'node:timers/promises';
import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { fault, serveJson, type Service } from '../stand-ins/http-service.ts';

export interface MeterOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
}

/** `GET /load`. */
export interface MeterLoad {
  /** Requests by meter, those that failed included. */
  readonly requests: Readonly<Record<string, number>>;
  /** Most requests that were at work at one time. */
  readonly atOnceMax: number;
}

/**
 * Stands in for the meters of a building behind one HTTP door. A meter shows what follows from its
 * name; those whose name begins with `old` are out of service.
 *
 *   GET  /meters/NAME           → 200 {kWh} · 410 · 503
 *   GET  /load                  → who asked for what
 *   POST /faults {fail, delayMs} → what goes wrong from now
 *
 * @throws The system's error when the port cannot be had.
 */
export function serveMeters(options: MeterOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const requests = new Map<string, number>();
  let atOnce = 0;
  let atOnceMax = 0;

  return serveJson(options.port ?? 0, {
    'GET /meters/*': async ({ id }) => {
      requests.set(id, (requests.get(id) ?? 0) + 1);
      atOnce += 1;
      atOnceMax = Math.max(atOnceMax, atOnce);
      await pause(faults.delayMs, undefined, { ref: false });
      atOnce -= 1;
      if (id.startsWith('old')) return fault(410, `${id} is out of service`);
      const fate = faults.next(id);
      if (fate === 'hang') return 'silence';
      if (fate !== undefined) return fault(503, `${id} is busy`);
      return { status: 200, body: { kWh: kWhOf(id) } };
    },
    'GET /load': () => ({
      status: 200,
      body: { requests: Object.fromEntries(requests), atOnceMax },
    }),
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
  });
}

/** From 0 to 999, by the name alone. */
export function kWhOf(meter: string): number {
  let sum = 0;
  for (const letter of meter) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000;
  return sum;
}
