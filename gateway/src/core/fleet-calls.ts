import {
  HoldfastError,
  ascii,
  encodeThrown,
  errorCatalogue,
  hex,
  unhex,
  type Clock,
} from '@holdfast/protocol';
import type { PendingCall, WaitingCall } from './call.ts';
import type { CallView, FleetCalls, ParkedQuery, ServiceView } from './call-views.ts';
import { rfc3339 } from './entry-view.ts';
import type { ProblemView } from './device-views.ts';
import type { ServiceState } from './handled-service.ts';
import type { Ledger } from './ledger.ts';

export interface FleetCallsOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly running:
    | {
        readonly services: () => readonly ServiceState[];
        /** A command was issued for this device. */
        readonly issued: (device: string) => void;
        /** Calls wait that did not before. */
        readonly wake: () => void;
      }
    | undefined;
}

/** Calls of a service are counted up to here. */
const COUNT_MAX = 1_000;
/** Parked calls in memory at a time. */
const PAGE = 256;

/** What the fleet offers to those who look after handlers. */
export function createCalls(options: FleetCallsOptions): FleetCalls {
  const { ledger, clock, running } = options;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const told = (service: string, calls: number) => {
    return { schema: 'holdfast.unparked/1', at: now(), service, calls } as const;
  };
  return {
    async calls({ state, service, after, limit }) {
      const place = after === undefined ? undefined : readPlace(after);
      const found = await ledger.calls({ state, service, after: place, limit });
      const last = found.at(-1);
      const next = last === undefined || found.length < limit ? null : placeText(last);
      return { schema: 'holdfast.calls/1', at: now(), calls: found.map(callView), next };
    },
    async services() {
      const services = await readServices(options);
      return { schema: 'holdfast.services/1', at: now(), services };
    },
    async requeueCalls(query) {
      const calls = await eachParked(ledger, query, (page) => ledger.requeueCalls(page));
      running?.wake();
      return told(query.service, calls);
    },
    async failCalls({ reason, ...query }) {
      const calls = await eachParked(ledger, query, async (page) => {
        const why = reason === '' ? 'it was given up' : reason;
        const error = encodeThrown(new HoldfastError('HF_CALL_PARKED', { why }));
        let failed = 0;
        for (const call of page) {
          // Each is a transaction of its device's.
          const result = { kind: 'call.failed', payload: error } as const;
          if ((await ledger.completeCall(call, result)) === undefined) continue;
          failed += 1;
          running?.issued(call.device);
        }
        return failed;
      });
      return told(query.service, calls);
    },
  };
}

/** Does work on parked calls, page by page. @returns The sum of what the work gives. */
async function eachParked(
  ledger: Ledger,
  { service, number }: ParkedQuery,
  work: (page: readonly WaitingCall[]) => Promise<number>,
): Promise<number> {
  let done = 0;
  let after = number === undefined ? undefined : { service, ordinal: number - 1 };
  for (;;) {
    const limit = number === undefined ? PAGE : 1;
    const page = await ledger.calls({ state: 'parked', service, after, limit });
    const meant = page.filter(({ ordinal }) => number === undefined || ordinal === number);
    done += await work(meant);
    after = page.at(-1);
    if (number !== undefined || page.length < limit) break;
  }
  if (done > 0) return done;
  const which = number === undefined ? service : `${service} ${number}`;
  throw new HoldfastError('HF_CALL_UNKNOWN', { why: `no parked call of ${which}` });
}

async function readServices({ ledger, running }: FleetCallsOptions): Promise<ServiceView[]> {
  const here = new Map(running?.services().map(({ service, ...state }) => [service, state]));
  const waiting = await Promise.all([
    ledger.callServices('pending'),
    ledger.callServices('parked'),
  ]);
  const names = [...new Set([...here.keys(), ...waiting.flat()])].toSorted();
  const found: ServiceView[] = [];
  for (const service of names) {
    const count = async (state: 'pending' | 'parked') =>
      (await ledger.calls({ state, service, limit: COUNT_MAX })).length;
    // One after another: each may look at a thousand calls.
    const [pending, parked] = [await count('pending'), await count('parked')];
    found.push({ service, pending, parked, here: here.get(service) ?? null });
  }
  return found;
}

/** Services whose calls wait for a person, for those who look after the fleet. */
export async function parkedProblems(ledger: Ledger): Promise<readonly ProblemView[]> {
  const problems: ProblemView[] = [];
  for (const service of await ledger.callServices('parked')) {
    const parked = await ledger.calls({ state: 'parked', service, limit: COUNT_MAX });
    const { message, hint } = errorCatalogue.HF_CALL_PARKED;
    const count = parked.length === COUNT_MAX ? `${COUNT_MAX} or more` : parked.length;
    const of = `${message}: ${count} of ${service}`;
    problems.push({ code: 'HF_CALL_PARKED', message: of, hint });
  }
  return problems;
}

function callView(call: WaitingCall): CallView {
  const { service, ordinal: number, state, device, run, key, requested, parking } = call;
  return {
    ...{ service, number, state, device, run, key },
    requestedAt: rfc3339(requested.atMs),
    expiresAt: rfc3339(call.expiresAtMs),
    parked:
      parking === undefined
        ? null
        : {
            at: rfc3339(parking.atMs),
            attempts: parking.attempts,
            code: parking.code || null,
            why: parking.why,
          },
  };
}

type CallPlace = Pick<PendingCall, 'service' | 'ordinal'>;

/** Where a page ends, in letters and digits. */
function placeText({ service, ordinal }: CallPlace): string {
  return hex(ascii(`${ordinal} ${encodeURIComponent(service)}`));
}

function readPlace(text: string): CallPlace {
  try {
    const [ordinal = '', service = ''] = String.fromCharCode(...unhex(text)).split(' ');
    if (/^\d{1,16}$/.test(ordinal)) {
      return { service: decodeURIComponent(service), ordinal: Number(ordinal) };
    }
  } catch {
    // It is refused as any other text.
  }
  throw new HoldfastError('HF_REQUEST_INVALID', { why: 'after is not the next of a page' });
}
