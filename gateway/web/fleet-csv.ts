import type { DeviceView } from '../src/core/device-views.ts';
import { openRuns } from './fleet-columns.tsx';

const columns: readonly (readonly [title: string, of: (device: DeviceView) => unknown])[] = [
  ['device', ({ device }) => device],
  ['state', ({ state }) => state],
  ['pending', ({ backlog }) => backlog?.pending],
  ['bytes', ({ backlog }) => backlog?.bytes],
  ['oldestAt', ({ backlog }) => backlog?.oldestAt],
  ['reportedAt', ({ backlog }) => backlog?.reportedAt],
  ['lastSeenAt', ({ lastSeenAt }) => lastSeenAt],
  ['openRuns', openRuns],
  ['commandsWaiting', ({ commandsWaiting }) => commandsWaiting],
  ['clockAheadMs', ({ clockAheadMs }) => clockAheadMs],
  ['agentVersion', ({ agentVersion }) => agentVersion],
  ['epoch', ({ epoch }) => epoch],
  ['tags', ({ tags }) => Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(' ')],
];

/** Devices as CSV [RFC 4180], with a line of titles. */
export function csvOf(devices: readonly DeviceView[]): string {
  const lines = devices.map((device) => columns.map(([, of]) => cellOf(of(device))).join(','));
  return [columns.map(([title]) => title).join(','), ...lines, ''].join('\r\n');
}

/** What a spreadsheet would take for a formula, it is to show. */
const FORMULA = /^[=+\-@\t\r]/;

function cellOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return '';
  const shown = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
