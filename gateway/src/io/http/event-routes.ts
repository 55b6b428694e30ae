import type { ServerResponse } from 'node:http';
import { HoldfastError } from '@holdfast/protocol';
import type { EventFeed, FleetEvent } from '../../core/event-feed.ts';
import type { Refusals } from './refusals.ts';
import type { ApiRoutes } from './routes.ts';
import { string } from '@holdfast/protocol/json-schema';
import { cursor, question } from './schemas/parts.ts';

const CLIENTS_MAX = 200;
/** What may wait for one that does not read; it comes again with the id of its last event. */
const WAITING_BYTES_MAX = 1024 * 1024;
const RETRY_MS = 2_000;

const query = question({}, { device: string({ format: 'device' }), after: cursor() });

export interface EventParts {
  readonly feed: EventFeed;
  readonly refusals: Refusals;
  readonly heartbeatMs: number;
}

/** What changes in the fleet, as server-sent events. */
export function addEvents(
  routes: ApiRoutes,
  { feed, refusals, heartbeatMs }: EventParts,
): void {
  let clients = 0;
  routes.read(
    'GET /api/events',
    {
      ...{ role: 'viewer', summary: 'What changes, as server-sent events', query },
      answer: 'text/event-stream',
    },
    (request) => {
      if (clients >= CLIENTS_MAX) {
        const details = { retryAfterMs: RETRY_MS };
        throw new HoldfastError('HF_ACCESS_LIMITED', { why: `${clients} look on`, details });
      }
      const { device, after } = request.query;
      const last = request.raw.headers['last-event-id'] ?? after;
      request.reply.hijack();
      const to = request.reply.raw;
      clients += 1;
      to.on('close', () => (clients -= 1));
      const admits = () => routes.stillAdmits(request.raw);
      const from = { device, last: typeof last === 'string' ? last : undefined };
      follow(feed, to, { ...from, refusals, heartbeatMs, admits });
      // It is answered by hand.
      return request.reply;
    },
  );
}

interface Following {
  readonly device: string | undefined;
  /** Id of the last event that the client had. */
  readonly last: string | undefined;
  readonly refusals: Refusals;
  readonly heartbeatMs: number;
  /** Whether the client may still look on. */
  readonly admits: () => Promise<boolean>;
}

function follow(feed: EventFeed, to: ServerResponse, following: Following): void {
  const { device, last, refusals, heartbeatMs, admits } = following;
  // Who asked has gone meanwhile, and nothing would end what is begun here.
  if (to.destroyed) return;
  const send = (text: string): void => {
    to.write(text);
    if (to.writableLength <= WAITING_BYTES_MAX) return;
    refusals.add('slow');
    to.destroy();
  };
  const tell = (events: readonly FleetEvent[]): void => {
    const wanted = events.filter((event) => device === undefined || event.device === device);
    if (wanted.length > 0) send(wanted.map(textOf).join(''));
  };
  to.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const { events, isGap } = feed.after(last);
  const start = isGap ? 'reset' : 'ready';
  send(`retry: ${RETRY_MS}\n\n`);
  if (isGap || last === undefined) send(`id: ${feed.last}\nevent: ${start}\ndata: {}\n\n`);
  tell(events);
  const stop = feed.listen(tell);
  const beat = async (): Promise<void> => {
    if (await admits()) send(': still here\n\n');
    else to.end();
  };
  const heartbeat = setInterval(() => void beat(), heartbeatMs);
  to.on('close', () => {
    stop();
    clearInterval(heartbeat);
  });
}

function textOf({ id, kind, device, data }: FleetEvent): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ device, ...data })}\n\n`;
}
