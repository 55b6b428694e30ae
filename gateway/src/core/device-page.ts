import type { DeviceLedger } from './device-ledger.ts';
import type { KnownDevice } from './device-view.ts';
import type { DevicesQuery, DeviceView } from './device-views.ts';
import { hasTags, type Tag } from './dispatch.ts';
import type { DeviceRecord } from './ledger.ts';
import type { DeviceLive } from './live.ts';

type DeviceState = DeviceView['state'];

/** What a page of devices is made of. */
export interface DeviceSources {
  readonly ledger: Pick<DeviceLedger, 'devices' | 'devicesOf'>;
  /** Devices that were heard of, by their ids. */
  readonly live: ReadonlyMap<string, DeviceLive>;
  /** Of all others. */
  readonly unheard: DeviceState;
}

export interface DevicePage {
  readonly devices: readonly KnownDevice[];
  /** Behind which id the next page is; `null`: there is none. */
  readonly next: string | null;
}

/** Those that need somebody first. */
export const attention: readonly DeviceState[] = [
  ...(['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const),
];
const rank = new Map(attention.map((state, index) => [state, index]));
const rankOf = (state: DeviceState): number => rank.get(state) ?? 0;

/** Read at once, and looked at for one page. */
const READ = 500;
const LOOKED_MAX = 5_000;

interface Sought extends Omit<DevicesQuery, 'tags'> {
  readonly tags: readonly Tag[];
}

/** A page of the devices that fit. Of the ledger, only devices near it are read. */
export function findDevices(
  sources: DeviceSources,
  { tags = {}, ...query }: DevicesQuery,
): Promise<DevicePage> {
  const wanted = Object.entries(tags).map(([name, value]) => ({ name, value }));
  const sought = { ...query, tags: wanted };
  if (query.order === 'attention') return byAttention(sources, sought);
  const { state, version } = query;
  const isHeard = state !== undefined && !state.includes(sources.unheard);
  return isHeard || version !== undefined ? heardById(sources, sought) : allById(sources, sought);
}

/** By id, in states that only devices are in that were heard of. */
async function heardById(sources: DeviceSources, query: Sought): Promise<DevicePage> {
  const { after = '', limit } = query;
  const ids = heard(sources, query)
    .map(({ device }) => device)
    .filter((device) => device > after)
    .toSorted();
  const { devices, looked } = await take(sources, query, { ids, limit: limit + 1 });
  if (devices.length > limit) return pageOf(devices, limit);
  return { devices, next: looked < ids.length ? (ids[looked - 1] ?? null) : null };
}

async function allById(sources: DeviceSources, query: Sought): Promise<DevicePage> {
  const { state, tags, search, limit } = query;
  const devices: KnownDevice[] = [];
  let after = query.after;
  for (let looked = 0; looked < LOOKED_MAX;) {
    const asked = state === undefined ? limit + 1 - devices.length : READ;
    const page = await sources.ledger.devices({ after, tags, search, limit: asked });
    for (const record of page.records) {
      const known = knownDevice(sources, record);
      if (state?.includes(known.state) ?? true) devices.push(known);
    }
    if (devices.length > limit) return pageOf(devices, limit);
    if (page.next === undefined) return { devices, next: null };
    looked += Math.max(1, page.records.length);
    after = page.next;
    // None among so many: who asks decides whether to go on.
    if (page.records.length === 0) break;
  }
  return { devices, next: after ?? null };
}

function pageOf(devices: readonly KnownDevice[], limit: number): DevicePage {
  const page = devices.slice(0, limit);
  return { devices: page, next: page.at(-1)?.record.device ?? null };
}

/** One page: those that need somebody, those that were not heard of, and then the others. */
async function byAttention(sources: DeviceSources, query: Sought): Promise<DevicePage> {
  const { limit, state, version } = query;
  const inOrder = heard(sources, query).toSorted((a, b) => {
    const [before, behind] = [rankOf(a.state), rankOf(b.state)];
    if (before !== behind) return before - behind;
    return b.pending - a.pending || (a.device < b.device ? -1 : 1);
  });
  const border = inOrder.findIndex((each) => rankOf(each.state) > rankOf(sources.unheard));
  const ids = inOrder.map(({ device }) => device);
  const [first, last] = border < 0 ? [ids, []] : [ids.slice(0, border), ids.slice(border)];
  const { devices } = await take(sources, query, { ids: first, limit });
  const found = [...devices];
  // Of those nobody knows which version they are.
  if (version === undefined && (state?.includes(sources.unheard) ?? true)) {
    found.push(...(await unheardBy(sources, query, limit - found.length)));
  }
  const rest = await take(sources, query, { ids: last, limit: limit - found.length });
  return { devices: [...found, ...rest.devices], next: null };
}

async function unheardBy(
  sources: DeviceSources,
  { tags, search }: Sought,
  limit: number,
): Promise<readonly KnownDevice[]> {
  const found: KnownDevice[] = [];
  let after: string | undefined;
  for (let looked = 0; found.length < limit && looked < LOOKED_MAX; looked += READ) {
    const page = await sources.ledger.devices({ after, tags, search, limit: READ });
    const others = page.records.filter(({ device }) => !sources.live.has(device));
    found.push(...others.map((record) => knownDevice(sources, record)));
    after = page.next;
    if (after === undefined) break;
  }
  return found.slice(0, limit);
}

/** Devices that were heard of and fit, as far as is known without the ledger. */
function heard({ live }: DeviceSources, query: Sought): readonly DeviceLive[] {
  const { state, version, search = '' } = query;
  return [...live.values()]
    .filter((each) => each.device.includes(search) && (state?.includes(each.state) ?? true))
    .filter(({ reported }) => version === undefined || reported?.agentVersion === version);
}

/** The first of these devices that have the tags which are asked for, in this order. */
async function take(
  sources: DeviceSources,
  { tags }: Sought,
  { ids, limit }: { readonly ids: readonly string[]; readonly limit: number },
): Promise<{ readonly devices: readonly KnownDevice[]; readonly looked: number }> {
  const devices: KnownDevice[] = [];
  const size = tags.length === 0 ? limit : READ;
  let looked = 0;
  while (devices.length < limit && looked < Math.min(ids.length, LOOKED_MAX)) {
    const page = ids.slice(looked, looked + size);
    const records = await sources.ledger.devicesOf(page);
    const known = new Map(records.map((record) => [record.device, record]));
    for (const id of page) {
      looked += 1;
      const record = known.get(id);
      if (record === undefined || !hasTags(record.tags, tags)) continue;
      devices.push(knownDevice(sources, record));
      if (devices.length === limit) break;
    }
  }
  return { devices, looked };
}

export function knownDevice(
  { live, unheard }: Pick<DeviceSources, 'live' | 'unheard'>,
  record: DeviceRecord,
): KnownDevice {
  const heardOf = live.get(record.device);
  return { record, live: heardOf, state: heardOf?.state ?? unheard };
}
