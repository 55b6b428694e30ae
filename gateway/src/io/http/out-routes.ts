import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { HoldfastError } from '@holdfast/protocol';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import { originOf } from '../../core/access/audited.ts';
import { tagsOf } from '../../core/fleet-commands.ts';
import type { Fleet } from '../../core/fleet-views.ts';
import { textSink } from '../../core/out/export-text.ts';
import { exportTo, type ExportQuery } from '../../core/out/export.ts';
import { readTags } from './fleet-routes.ts';
import type { ApiRoutes } from './routes.ts';
import * as of from './schemas/out.ts';
import { idParams as params } from './schemas/parts.ts';

const BODY_BYTES_MAX = 64 * 1024;

/** Whom the gateway tells of entries. */
export function addWebhooks(routes: ApiRoutes, fleet: Fleet): void {
  const admin = { role: 'admin' } as const;
  routes.read(
    'GET /api/webhooks',
    { role: 'viewer', summary: 'Webhooks, and how they are', answer: of.webhooksAnswer },
    () => fleet.webhooks(),
  );
  routes.change(
    'POST /api/webhooks',
    {
      ...{ ...admin, summary: 'Tell an endpoint of entries by CloudEvents' },
      ...{ body: of.webhookBody, answer: of.webhookMadeAnswer, bodyBytesMax: BODY_BYTES_MAX },
      action: 'webhook.add',
      target: ({ body }) => originOf(body.url),
    },
    ({ body, actor }) => {
      const { filter = {}, personal = false, fromStart = false, ...order } = body;
      return fleet.addWebhook({ ...order, filter, personal, fromStart, by: actor.name });
    },
  );
  routes.change(
    'DELETE /api/webhooks/:id',
    {
      ...{ ...admin, summary: 'Tell it nothing more' },
      ...{ params, answer: of.webhookRemovedAnswer, action: 'webhook.remove' },
      target: (request) => request.params.id,
    },
    (request) => fleet.removeWebhook(request.params.id),
  );
  addDecisions(routes, fleet);
}

function addDecisions(routes: ApiRoutes, fleet: Fleet): void {
  const operator = { role: 'operator' } as const;
  routes.change(
    'POST /api/webhooks/:id/enable',
    {
      ...{ ...operator, summary: 'Tell it again, from where it was' },
      ...{ params, answer: of.webhookAnswer, action: 'webhook.enable' },
      target: (request) => request.params.id,
    },
    (request) => fleet.enableWebhook(request.params.id),
  );
  routes.change(
    'POST /api/webhooks/:id/test',
    {
      ...{ ...operator, summary: 'Send it an event that says nothing' },
      ...{ params, answer: of.webhookTestedAnswer, action: 'webhook.test' },
      target: (request) => request.params.id,
    },
    (request) => fleet.testWebhook(request.params.id),
  );
  routes.read(
    'GET /api/webhooks/:id/dead',
    {
      ...{ role: 'viewer', summary: 'Events that it did not take' },
      ...{ params, query: of.deadQuery, answer: of.deadAnswer },
    },
    (request) => fleet.deadEvents({ ...request.query, id: request.params.id }),
  );
  routes.change(
    'POST /api/webhooks/:id/requeue',
    {
      ...{ ...operator, summary: 'Send it again what it did not take: one event, or all' },
      ...{ params, body: of.requeueEventsBody, answer: of.requeuedEventsAnswer },
      action: 'webhook.requeue',
      target: (request) => request.params.id,
    },
    (request) => fleet.requeueEvents({ ...request.body, id: request.params.id }),
  );
}

/** What the ledger has, for programs elsewhere. */
export function addExport(routes: ApiRoutes, fleet: Fleet): void {
  const operator = { role: 'operator' } as const;
  routes.read(
    'GET /api/export/page',
    {
      ...{ ...operator, summary: 'Entries that fit, page by page' },
      ...{ query: of.exportPageQuery, answer: of.exportPageAnswer },
    },
    ({ query }) => fleet.exportPage(queryOf(query)),
  );
  routes.read(
    'GET /api/export',
    {
      ...{ ...operator, summary: 'All entries that fit, as NDJSON or CSV, in one stream' },
      ...{ query: of.exportQuery, answer: 'application/x-ndjson' },
    },
    async ({ query, reply }) => {
      const { format, ...asked } = query;
      const first = await fleet.exportPage(queryOf(asked));
      const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : ndjson;
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
      const sink = textSink(format, (text) => written(reply.raw, text));
      try {
        await sink.begin();
        await exportTo(sink, async (after) =>
          after === undefined ? first : fleet.exportPage({ ...queryOf(asked), after }),
        );
        reply.raw.end();
      } catch {
        // Cut off, so that nobody takes the part for the whole.
        reply.raw.destroy();
      }
      return reply;
    },
  );
}

const ndjson = 'application/x-ndjson; charset=utf-8';

/** Resolves once there is room for more. */
async function written(to: ServerResponse, text: string): Promise<void> {
  if (to.destroyed) throw new HoldfastError('HF_LINK_LOST');
  if (to.write(text)) return;
  await Promise.race([once(to, 'drain'), once(to, 'close')]);
}

function queryOf(asked: TypeOf<typeof of.exportPageQuery>): ExportQuery {
  const { device, tag, workflow, kind, since, before, after, personal = false } = asked;
  const filter = {
    ...{ devices: device ?? [], tags: tagsOf(readTags(tag) ?? {}) },
    ...{ workflows: workflow ?? [], kinds: kind ?? [] },
    sinceMs: since === undefined ? 0 : Date.parse(since),
    beforeMs: before === undefined ? 0 : Date.parse(before),
  };
  return { filter, isPersonal: personal, after };
}
