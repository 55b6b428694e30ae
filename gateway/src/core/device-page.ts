import { deviceView, pendingOf, type KnownDevice } from './device-view.ts';
import type { DevicesQuery, DevicesView, DeviceView, FleetSummary } from './device-views.ts';

/** Those that need somebody first. */
const attention: readonly DeviceView['state'][] = [
  ...(['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const),
];
const rank = new Map(attention.map((state, index) => [state, index]));

/**
 * A page of the devices that fit, and how all of these are.
 *
 * @param devices By their ids.
 */
export function devicePage(
  devices: readonly KnownDevice[],
  query: DevicesQuery,
): Pick<DevicesView, 'devices' | 'next' | 'summary'> {
  const { tags = {}, state, search = '', order = 'id', after = '', limit } = query;
  const wanted = Object.entries(tags);
  const fitting = devices.filter(
    ({ record }) =>
      record.device.includes(search) &&
      wanted.every(([name, value]) =>
        record.tags.some((tag) => tag.name === name && tag.value === value),
      ),
  );
  const summary = summaryOf(fitting);
  const shown = fitting.filter((each) => state?.includes(each.state) ?? true);
  if (order === 'attention') {
    return { devices: byAttention(shown).slice(0, limit).map(deviceView), next: null, summary };
  }
  const from = shown.findIndex(({ record }) => record.device > after);
  const behind = from < 0 ? [] : shown.slice(from, from + limit + 1);
  const page = behind.slice(0, limit);
  const next = behind.length > limit ? (page.at(-1)?.record.device ?? null) : null;
  return { devices: page.map(deviceView), next, summary };
}

function summaryOf(devices: readonly KnownDevice[]): FleetSummary {
  const counts = new Map<DeviceView['state'], number>();
  let pending = 0;
  for (const each of devices) {
    counts.set(each.state, (counts.get(each.state) ?? 0) + 1);
    pending += pendingOf(each);
  }
  const states: Record<string, number> = {};
  for (const state of attention) {
    const count = counts.get(state);
    if (count !== undefined) states[state] = count;
  }
  return { devices: devices.length, pending, states };
}

/** By id where nothing else tells them apart: sorting keeps their order. */
function byAttention(devices: readonly KnownDevice[]): readonly KnownDevice[] {
  return devices
    .map((each) => ({ each, rank: rank.get(each.state) ?? 0, pending: pendingOf(each) }))
    .toSorted((a, b) => a.rank - b.rank || b.pending - a.pending)
    .map(({ each }) => each);
}
