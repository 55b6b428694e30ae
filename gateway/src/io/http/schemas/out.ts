import { lanes } from '@holdfast/protocol';
import {
  answer,
  boolean,
  choice,
  count,
  integer,
  list,
  literal,
  nullable,
  object,
  string,
  table,
  time,
} from '@holdfast/protocol/json-schema';
import { TAG_LENGTH_MAX, TAGS_MAX } from '../../../core/dispatch.ts';
import { FILTER_ITEMS_MAX, URL_LENGTH_MAX } from '../../../core/out/out-rows.ts';
import { exportFormats } from '../../../core/out/export-text.ts';
import { limit, name, question, text } from './parts.ts';

/** What goes out of the ledger: webhooks and exports. */

const tags = () => table(text(TAG_LENGTH_MAX, 0), { maxProperties: TAGS_MAX });
const names = () => list(name(), { maxItems: FILTER_ITEMS_MAX });
const devices = () => list(string({ format: 'device' }), { maxItems: FILTER_ITEMS_MAX });

const filter = answer({ devices: devices(), tags: tags(), workflows: names(), kinds: names() });
const someFilter = object(
  {},
  { devices: devices(), tags: tags(), workflows: names(), kinds: names() },
  { additionalProperties: false },
);

export const webhookBody = question(
  { url: text(URL_LENGTH_MAX) },
  {
    ...{ filter: someFilter, personal: boolean(), fromStart: boolean() },
    secret: string({ pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$' }),
  },
);

const webhookFields = {
  ...{ id: string(), url: string(), state: choice(['active', 'disabled']), by: string() },
  ...{ why: nullable(string()), createdAt: nullable(time()), failingSince: nullable(time()) },
  ...{ deliveredAt: nullable(time()), filter, personal: boolean(), dead: count() },
};

export const webhooksAnswer = answer({
  ...{ schema: literal('holdfast.webhooks/1'), at: time() },
  webhooks: list(answer(webhookFields)),
});
export const webhookAnswer = answer({
  ...{ schema: literal('holdfast.webhook/1'), at: time(), ...webhookFields },
});
export const webhookMadeAnswer = answer({
  ...{ schema: literal('holdfast.webhook-made/1'), at: time(), ...webhookFields },
  secret: string({ description: 'to verify signatures with; shown this once' }),
});
export const webhookRemovedAnswer = answer({
  ...{ schema: literal('holdfast.webhook-removed/1'), at: time(), id: string() },
});
export const webhookTestedAnswer = answer({
  ...{ schema: literal('holdfast.webhook-tested/1'), at: time(), id: string() },
  ...{ outcome: choice(['taken', 'gone', 'refused', 'unavailable']) },
  ...{ status: nullable(integer()), why: nullable(string()) },
});

/** Of an entry, and of what became of it. */
const outId = () =>
  string({
    pattern: `^[A-Za-z0-9_-]{1,64}/[0-9]{1,16}/(${lanes.join('|')})/[0-9]{1,16}$`,
    description: 'device/epoch/lane/seq',
  });

export const deadQuery = question({ limit: limit() }, { after: outId() });
const dead = answer({
  ...{ event: string(), at: nullable(time()), attempts: count(), status: nullable(integer()) },
  ...{ why: string(), queued: boolean() },
});
export const deadAnswer = answer({
  ...{ schema: literal('holdfast.dead-events/1'), at: time(), id: string() },
  ...{ events: list(dead), next: nullable(string()) },
});
export const requeueEventsBody = question({}, { event: outId() });
export const requeuedEventsAnswer = answer({
  ...{ schema: literal('holdfast.requeued-events/1'), at: time(), id: string(), events: count() },
});

const tag = () => list(string({ pattern: '^[^=]{1,64}=.{0,64}$', description: 'name=value' }));

const exportFields = {
  ...{ device: devices(), tag: tag(), workflow: names(), kind: names(), since: time() },
  ...{ before: time(), after: outId(), personal: boolean() },
};
export const exportPageQuery = question({}, exportFields);
export const exportQuery = question(
  { format: choice(exportFormats, { default: 'ndjson' }) },
  exportFields,
);

/** With the fields of its kind. */
const recordFields = {
  ...{ id: string(), device: string(), lane: choice(lanes), epoch: count(), seq: count() },
  ...{ receivedAt: nullable(time()), bytes: count(), kind: nullable(string()) },
  workflow: string(),
};
export const exportPageAnswer = answer({
  ...{ schema: literal('holdfast.export-page/1'), next: nullable(string()) },
  records: list(object(recordFields, {}, { additionalProperties: true })),
});
export const exportedLine = object(
  { schema: literal('holdfast.exported/1'), ...recordFields },
  {},
  { additionalProperties: true },
);
