import {
  NAME_LENGTH_MAX,
  bytes,
  choice,
  concat,
  encodeCbor,
  lanes,
  list,
  prose,
  record,
  text,
  uint,
} from '@holdfast/protocol';
import { TAGS_MAX, TAG_LENGTH_MAX } from '../dispatch.ts';
import { contentKey, prefixOf } from '../ledger-keys.ts';
import { row, type Row } from '../ledger-rows.ts';
import type { OutCursor } from './read-out.ts';
import type { OutPlace } from './record.ts';
import type { DeadEvent, Subscriber } from './subscriber.ts';

/** Rows of the ledger about what goes out of it. */

export const FILTER_ITEMS_MAX = 100;
export const URL_LENGTH_MAX = 2_048;
export const SECRET_BYTES_MAX = 64;
/** What sealing adds: a nonce and a tag. */
const SEAL_BYTES = 28;

export const subscriberKey = (id: string): Uint8Array =>
  concat([prefixOf('subscriber'), encodeCbor(id)]);

/** How far one subscriber was told: what is behind is a device. */
export const cursorsOf = (id: string): Uint8Array =>
  concat([prefixOf('outCursor'), encodeCbor(id)]);

export const cursorKey = (id: string, device: string): Uint8Array =>
  concat([cursorsOf(id), encodeCbor(device)]);

/** What one subscriber did not take: what is behind is a place. */
export const deadOf = (id: string): Uint8Array => concat([prefixOf('dead'), encodeCbor(id)]);

export const deadKey = (id: string, place: OutPlace): Uint8Array =>
  concat([deadOf(id), contentKey(place).subarray(1)]);

const name = text(NAME_LENGTH_MAX);
const names = list(name, FILTER_ITEMS_MAX);
const tag = record({ name: text(TAG_LENGTH_MAX), value: text(TAG_LENGTH_MAX) });

const subscriberFields = record({
  id: text(64),
  url: text(URL_LENGTH_MAX),
  secret: bytes(SECRET_BYTES_MAX + SEAL_BYTES),
  createdAtMs: uint(),
  by: name,
  ...{ devices: names, tags: list(tag, TAGS_MAX), workflows: names, kinds: names },
  ...{ sinceMs: uint(), beforeMs: uint() },
  isPersonal: uint(1),
  state: choice(['active', 'disabled']),
  why: prose(1_024),
  failingSinceMs: uint(),
  refusedInARow: uint(),
  deliveredAtMs: uint(),
});
const subscriber = row('subscriber', subscriberFields, 2_048);
export const subscriberRow: Row<Subscriber> = {
  encode: ({ filter, isPersonal, ...rest }) =>
    subscriber.encode({ ...rest, ...filter, isPersonal: isPersonal ? 1 : 0 }),
  decode: (stored) => {
    const { isPersonal, devices, tags, workflows, kinds, ...more } = subscriber.decode(stored);
    const { sinceMs, beforeMs, ...rest } = more;
    const filter = { devices, tags, workflows, kinds, sinceMs, beforeMs };
    return { ...rest, filter, isPersonal: isPersonal === 1 };
  },
};

const cursorFields = record({ epoch: uint(), urgent: uint(), normal: uint(), bulk: uint() });
const cursor = row('outCursor', cursorFields);
export const cursorRow: Row<OutCursor> = {
  encode: ({ epoch, seqs: [urgent, normal, bulk] }) =>
    cursor.encode({ epoch, urgent, normal, bulk }),
  decode: (stored) => {
    const { epoch, urgent, normal, bulk } = cursor.decode(stored);
    return { epoch, seqs: [urgent, normal, bulk] };
  },
};

const place = record({ device: text(64), epoch: uint(), lane: choice(lanes), seq: uint() });
const deadFields = record({
  ...{ place, atMs: uint(), attempts: uint(), status: uint(), why: prose(1_024) },
  isQueued: uint(1),
});
const dead = row('dead', deadFields);
export const deadRow: Row<DeadEvent> = {
  encode: (value) => dead.encode({ ...value, isQueued: value.isQueued ? 1 : 0 }),
  decode: (stored) => {
    const { isQueued, ...rest } = dead.decode(stored);
    return { ...rest, isQueued: isQueued === 1 };
  },
};
