import {
  countCell,
  formatCount,
  isTableAlone,
  type Cell,
  type Column,
  type RichCell,
  type TableFlags,
  type Tone,
} from '@holdfast/protocol';
import { LIMIT_MAX } from '../core/api-query.ts';
import type { DevicesView, DeviceView } from '../core/device-views.ts';
import type { Fleet } from '../core/fleet-views.ts';
import { devicesFilter, runsOf, wantedStates, type DevicesFilter } from './devices-filter.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { ago, below, problemLines, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';
import { watch, type WatchFlag } from './watch.ts';

export interface DevicesOptions extends SourceOptions, TableFlags, DevicesFilter {
  readonly watch?: WatchFlag;
}

export async function devices(options: DevicesOptions, terminal: Terminal): Promise<void> {
  const [state, fits] = [wantedStates(options), devicesFilter(options)];
  const read = async (): Promise<DevicesView> => {
    const view = await withFleet(options, (fleet) => allDevices(fleet, state));
    const nowMs = Date.parse(view.at);
    return { ...view, devices: view.devices.filter((device) => fits(device, nowMs)) };
  };
  if (options.watch !== undefined) {
    return watch(terminal, options.watch, { read, text: devicesText });
  }
  const view = await read();
  show(terminal, view, () => devicesText(view, terminal));
}

/** All devices, page by page. */
export async function* eachDevice(fleet: Fleet): AsyncGenerator<DeviceView, void> {
  let page = await fleet.devices({ limit: LIMIT_MAX });
  yield* page.devices;
  while (page.next !== null) {
    page = await fleet.devices({ after: page.next, limit: LIMIT_MAX });
    yield* page.devices;
  }
}

/** However many pages they take. */
async function allDevices(fleet: Fleet, state?: readonly string[]): Promise<DevicesView> {
  let page = await fleet.devices({ state, limit: LIMIT_MAX });
  const found = [...page.devices];
  while (page.next !== null) {
    page = await fleet.devices({ state, after: page.next, limit: LIMIT_MAX });
    found.push(...page.devices);
  }
  return { ...page, devices: found };
}

const columns: readonly Column[] = [
  { title: 'device' },
  { title: 'state' },
  { title: 'backlog', align: 'right' },
  { title: 'as of' },
  { title: 'oldest', drop: 4 },
  { title: 'last seen', drop: 2 },
  { title: 'last ack', drop: 3 },
  { title: 'entries', align: 'right', drop: 1 },
  { title: 'runs', align: 'right', drop: 6 },
  { title: 'commands', align: 'right', drop: 7 },
  { title: 'agent', drop: 5 },
  { title: 'tags', drop: 8 },
];

/** Offline is normal; red is for what needs a person. */
const stateTones: Partial<Readonly<Record<DeviceView['state'], Tone>>> = {
  synced: 'green',
  syncing: 'yellow',
  offline: 'dim',
  unknown: 'dim',
  stuck: 'red',
  conflict: 'red',
};

function devicesText(view: DevicesView, terminal: Terminal): string {
  if (view.devices.length === 0 && !isTableAlone(terminal.table)) {
    if (view.summary.devices > 0)
      return `None of ${formatCount(view.summary.devices)} devices fits.`;
    return 'No device has been here yet. One comes with `holdfast run --gateway mqtt://…`.';
  }
  const rows = view.devices.map((device) => deviceRow(device, terminal));
  const isOld = view.devices.some((device) => backlogCell(device).text.startsWith('≥'));
  const foot = [
    summary(view),
    ...(isOld ? ['"≥": as last reported by the device; it may hold more.'] : []),
    ...problemLines(terminal, view.problems),
  ];
  return [table(terminal, columns, rows), ...below(terminal, foot)].join('\n');
}

function deviceRow(device: DeviceView, terminal: Terminal): Cell[] {
  const { backlog } = device;
  const tone = stateTones[device.state];
  const runs = runsOf(device);
  return [
    { text: device.device, tone: 'cyan' },
    tone === undefined ? device.state : { text: device.state, tone },
    backlogCell(device),
    backlog === null ? 'not reported' : ago(terminal, backlog.reportedAt),
    ago(terminal, backlog?.oldestAt ?? null),
    ago(terminal, device.lastSeenAt),
    ago(terminal, device.lastAckAt),
    countCell(device.entries),
    runs === undefined ? '-' : countCell(runs),
    device.lastCommand === 0 ? '-' : countCell(device.lastCommand),
    device.agentVersion ?? '-',
    Object.entries(device.tags)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  ];
}

/** Only of a device that was heard lately is it known that it holds no more. */
function backlogCell({ backlog, state }: DeviceView): RichCell {
  if (backlog === null) return { text: '?', raw: '' };
  const { pending: raw } = backlog;
  return { text: `${state === 'synced' ? '' : '≥ '}${formatCount(raw)}`, raw };
}

function summary({ devices: all }: DevicesView): string {
  const counts = new Map<string, number>();
  for (const { state } of all) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${formatCount(count)} ${state}`).join(' · ');
  return `${formatCount(all.length)} device${all.length === 1 ? '' : 's'}: ${states}`;
}
