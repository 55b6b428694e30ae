import type { Fleet } from '../core/fleet-views.ts';
import { ask, inPath, type GatewayAddress, type Query } from './http-client.ts';

/** The fleet as the gateway at this address tells it. */
export function httpFleet(at: GatewayAddress): Fleet {
  const get = <V>(path: string, query: Query = {}) => ask<V>(at, { path, query, method: 'GET' });
  const post = <V>(path: string, json?: object) => ask<V>(at, { path, method: 'POST', json });
  return {
    devices: ({ tags, peaks, ...query }) => {
      const asked = { tag: tagTexts(tags), peaks: peaks === undefined ? undefined : String(peaks) };
      return get('api/devices', { ...query, ...asked });
    },
    device: (device) => get(`api/devices/${device}`),
    fleetBacklog: () => get('api/backlog'),
    deviceBacklog: (device) => get(`api/devices/${device}/backlog`),
    runs: ({ updatedSinceMs, updatedBeforeMs, tags, ...query }) => {
      const times = { updatedSince: time(updatedSinceMs), updatedBefore: time(updatedBeforeMs) };
      return get('api/runs', { ...query, ...times, tag: tagTexts(tags) });
    },
    entries: ({ device, epoch, lane, after, limit }) =>
      get(`api/devices/${device}/entries`, { epoch, lane, after, limit }),
    quarantine: ({ device, limit }) => get(`api/devices/${device}/quarantine`, { limit }),
    value: ({ device, epoch, lane, seq }) =>
      get(`api/devices/${device}/value`, { epoch, lane, seq }),
    rekey: (device, key) => post(`api/devices/${device}/key`, { key }),
    revoke: (device) => post(`api/devices/${device}/revoke`),
    verify: () => post('api/ledger/verify'),
    erase: (query) => post('api/ledger/erase', query),
    prunings: (limit) => get('api/ledger/prunings', { limit }),
    erasures: (limit) => get('api/ledger/erasures', { limit }),
    held: (query) => post('api/ledger/held', query),
    webhooks: () => get('api/webhooks'),
    addWebhook: ({ url, filter, personal, fromStart, secret }) =>
      post('api/webhooks', { url, filter, personal, fromStart, secret }),
    enableWebhook: (id) => post(`api/webhooks/${inPath(id)}/enable`),
    removeWebhook: (id) =>
      ask(at, { path: `api/webhooks/${inPath(id)}`, method: 'DELETE' }),
    testWebhook: (id) => post(`api/webhooks/${inPath(id)}/test`),
    deadEvents: ({ id, ...query }) => get(`api/webhooks/${inPath(id)}/dead`, query),
    requeueEvents: ({ id, ...query }) =>
      post(`api/webhooks/${inPath(id)}/requeue`, query),
    exportPage: ({ filter, isPersonal: personal, after }) => {
      const { devices: device, workflows: workflow, kinds: kind, sinceMs, beforeMs } = filter;
      const times = { since: time(sinceMs || undefined), before: time(beforeMs || undefined) };
      const tag = filter.tags.map(({ name, value }) => `${name}=${value}`);
      const query = { device, tag, workflow, kind, ...times, after, personal: String(personal) };
      return get('api/export/page', query);
    },
    calls: (query) => get('api/calls', { ...query }),
    services: () => get('api/services'),
    requeueCalls: (query) => post('api/calls/requeue', query),
    failCalls: (query) => post('api/calls/fail', query),
    tag: (device, tags) => post(`api/devices/${device}/tags`, { tags }),
    issue: (query) => post('api/commands', query),
    commands: ({ before, limit }) => get('api/commands', { before, limit }),
    command: (id) => get(`api/commands/${inPath(id)}`),
    commandDevices: ({ id, ...query }) =>
      get(`api/commands/${inPath(id)}/devices`, query),
    deviceCommands: ({ device, limit }) => get(`api/devices/${device}/commands`, { limit }),
  };
}

function tagTexts(tags: Readonly<Record<string, string>> | undefined) {
  return tags && Object.entries(tags).map(([name, value]) => `${name}=${value}`);
}

function time(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}
