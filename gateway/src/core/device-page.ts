import type { DevicesQuery, DevicesView, DeviceView, FleetSummary } from './device-views.ts';

/** Those that need somebody first. */
const attention: readonly DeviceView['state'][] = [
  ...(['conflict', 'stuck', 'syncing', 'offline', 'new', 'unknown', 'synced'] as const),
];

/** A page of the devices that fit, and how all of these are. */
export function devicePage(
  devices: readonly DeviceView[],
  query: DevicesQuery,
): Pick<DevicesView, 'devices' | 'next' | 'summary'> {
  const { tags = {}, state, search = '', order = 'id', after = '', limit } = query;
  const fitting = devices
    .filter((each) => each.device.includes(search))
    .filter((each) => Object.entries(tags).every(([name, value]) => each.tags[name] === value));
  const summary = summaryOf(fitting);
  const shown = fitting.filter((each) => state?.includes(each.state) ?? true);
  if (order === 'attention') {
    return { devices: shown.toSorted(byAttention).slice(0, limit), next: null, summary };
  }
  const behind = shown
    .filter((each) => each.device > after)
    .toSorted((a, b) => (a.device < b.device ? -1 : 1));
  const page = behind.slice(0, limit);
  const next = behind.length > limit ? (page.at(-1)?.device ?? null) : null;
  return { devices: page, next, summary };
}

function summaryOf(devices: readonly DeviceView[]): FleetSummary {
  const states: Record<string, number> = {};
  for (const state of attention) {
    const count = devices.filter((each) => each.state === state).length;
    if (count > 0) states[state] = count;
  }
  const pending = devices.reduce((sum, { backlog }) => sum + (backlog?.pending ?? 0), 0);
  return { devices: devices.length, pending, states };
}

function byAttention(a: DeviceView, b: DeviceView): number {
  return (
    attention.indexOf(a.state) - attention.indexOf(b.state) ||
    (b.backlog?.pending ?? 0) - (a.backlog?.pending ?? 0) ||
    (a.device < b.device ? -1 : 1)
  );
}
