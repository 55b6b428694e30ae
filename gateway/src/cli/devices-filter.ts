import { durationMs, parseFilter, type FilterFields, type FilterValue } from '@holdfast/protocol';
import type { DeviceView } from '../core/device-views.ts';
import { usage } from './options.ts';

export interface DevicesFilter {
  readonly state?: readonly string[];
  readonly stuck?: true;
  readonly offline?: true;
  /** Not heard for longer; `true`: than a day. */
  readonly late?: string | true;
  readonly query?: string;
}

/** What a question can be about. */
const fields: FilterFields = {
  ...{ device: 'text', state: 'text', agent: 'text', 'tag.': 'text' },
  ...{ backlog: 'number', entries: 'number', bytes: 'size', epoch: 'number' },
  ...{ runs: 'number', refusals: 'number', commands: 'number' },
  ...{ oldest: 'duration', seen: 'duration', ack: 'duration', reported: 'duration' },
};

export const devicesFilterHelp = `
-q asks for devices that fit an expression: = != < <= > >= with and, or, not and parentheses; in a
text * stands for any characters. Its fields are device, state, agent, tag.NAME, backlog, bytes,
entries, epoch, runs, refusals, commands, and, as durations, how long ago: oldest (the oldest entry
of the backlog), seen, ack and reported.
`;

/** Of one device there is nothing to pick. @throws HF_USAGE */
export function checkUnfiltered({ state, stuck, offline, late, query }: DevicesFilter): void {
  const picks = { '--state': state, '--stuck': stuck, '--offline': offline, '--late': late };
  for (const [option, value] of Object.entries({ ...picks, '--query': query })) {
    if (value === undefined) continue;
    throw usage(`${option} and <device> contradict each other: it picks from all devices`);
  }
}

const LATE_DEFAULT = '1d';

/** The states that are asked for; `undefined`: all. @throws HF_USAGE */
export function wantedStates({ state, stuck, offline }: DevicesFilter) {
  const named = [...(stuck === true ? ['stuck'] : []), ...(offline === true ? ['offline'] : [])];
  if (named.length > 0 && state !== undefined) {
    throw usage('--state contradicts --stuck and --offline');
  }
  return named.length > 0 ? named : state;
}

type Fits = (device: DeviceView, nowMs: number) => boolean;

/** What else there is to be said of a device. @throws HF_QUERY_INVALID, HF_DURATION_INVALID */
export function devicesFilter({ late, query }: DevicesFilter): Fits {
  const lateMs = late === undefined ? undefined : durationMs(late === true ? LATE_DEFAULT : late);
  const filter = query === undefined ? undefined : parseFilter(query, fields);
  return (device, nowMs) => {
    const isLate = lateMs === undefined || (sinceMs(device.lastSeenAt, nowMs) ?? 0) > lateMs;
    return isLate && filter?.fits((field) => valueOf(device, field, nowMs)) !== false;
  };
}

function valueOf(device: DeviceView, field: string, nowMs: number): FilterValue {
  const { backlog } = device;
  if (field.startsWith('tag.')) {
    const name = field.slice('tag.'.length);
    return Object.hasOwn(device.tags, name) ? device.tags[name] : undefined;
  }
  const values: Readonly<Record<string, FilterValue>> = {
    ...{ device: device.device, state: device.state, agent: device.agentVersion },
    ...{ backlog: backlog?.pending, bytes: backlog?.bytes },
    ...{ entries: device.entries, epoch: device.epoch, refusals: device.refusals },
    ...{ commands: device.lastCommand, runs: runsOf(device) },
    oldest: sinceMs(backlog?.oldestAt ?? null, nowMs),
    reported: sinceMs(backlog?.reportedAt ?? null, nowMs),
    seen: sinceMs(device.lastSeenAt, nowMs),
    ack: sinceMs(device.lastAckAt, nowMs),
  };
  return values[field];
}

const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Its runs that have not ended, as it reported last; `undefined`: it has not. */
export function runsOf({ runs }: Pick<DeviceView, 'runs'>): number | undefined {
  if (runs === null) return undefined;
  return Object.entries(runs).reduce(
    (sum, [state, count]) => sum + (ended.has(state) ? 0 : count),
    0,
  );
}

function sinceMs(at: string | null, nowMs: number): number | undefined {
  return at === null ? undefined : nowMs - Date.parse(at);
}
