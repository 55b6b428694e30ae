import {
  errorCatalogue,
  HoldfastError,
  lanes,
  type Clock,
  type Lane,
  type Report,
} from '@holdfast/protocol';
import { entryView, rfc3339, runView } from './entry-view.ts';
import type {
  DeviceState,
  DeviceView,
  EntriesQuery,
  EntriesView,
  Fleet,
  ProblemView,
  ReportedBacklog,
  RunsQuery,
  VerifyView,
} from './fleet-views.ts';
import type { UnhandledCalls } from './handlers.ts';
import type { DeviceRecord, Ledger } from './ledger.ts';

/** What a running gateway knows of a device beyond the ledger. */
export interface DevicePresence {
  readonly device: string;
  readonly state: DeviceState;
  readonly lastSeenAtMs: number | undefined;
  readonly lastAckAtMs: number | undefined;
  readonly reported: Report | undefined;
  readonly reportedAtMs: number | undefined;
  readonly refusals: number;
}

export interface FleetOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Absent: no gateway runs on this ledger. */
  readonly running?:
    | {
        readonly live: () => readonly DevicePresence[];
        readonly unhandled: () => readonly UnhandledCalls[];
      }
    | undefined;
}

/** Views of the ledger and, where a gateway runs, of what is going on. */
export function createFleet(options: FleetOptions): Fleet {
  const { ledger, clock, running } = options;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const problems = () => (running?.unhandled() ?? []).map(unhandledProblem);
  let verifying: Promise<VerifyView> | undefined;

  const recordOf = async (device: string): Promise<DeviceRecord> => {
    const record = await ledger.device(device);
    if (record !== undefined) return record;
    throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
  };

  const verify = async (): Promise<VerifyView> => {
    const { entries, lanes: count, faults } = await ledger.verify();
    const whole = faults.length === 0;
    return { schema: 'holdfast.verify/1', at: now(), whole, entries, lanes: count, faults };
  };

  return {
    async devices() {
      const presence = new Map(running?.live().map((each) => [each.device, each]));
      const devices = (await ledger.devices()).map((record) =>
        deviceView(record, presence.get(record.device), running !== undefined),
      );
      return { schema: 'holdfast.devices/1', at: now(), devices, problems: problems() };
    },
    async device(device) {
      const record = await recordOf(device);
      const presence = running?.live().find((each) => each.device === device);
      const view = deviceView(record, presence, running !== undefined);
      return { schema: 'holdfast.device/1', at: now(), ...view };
    },
    async runs({ device, limit }: RunsQuery) {
      if (device !== undefined) await recordOf(device);
      const query = device === undefined ? { limit } : { device, limit };
      const runs = (await ledger.runs(query)).map(runView);
      const at = now();
      return { schema: 'holdfast.runs/1', at, device: device ?? null, runs, problems: problems() };
    },
    async entries(query) {
      const record = await recordOf(query.device);
      return { ...(await readEntries(ledger, record, query)), at: now() };
    },
    verify() {
      verifying ??= verify().finally(() => {
        verifying = undefined;
      });
      return verifying;
    },
  };
}

async function readEntries(
  ledger: Ledger,
  record: DeviceRecord,
  query: EntriesQuery,
): Promise<Omit<EntriesView, 'at'>> {
  const { device, lane, after = 0, limit } = query;
  const entries: EntriesView['entries'][number][] = [];
  const next: { lane: Lane; after: number }[] = [];
  for (const each of lane === undefined ? lanes : [lane]) {
    // One more than asked for tells whether there is more.
    const found = await ledger.entries({ device, lane: each, after, limit: limit + 1 });
    const taken = found.slice(0, limit);
    entries.push(...taken.map(entryView));
    const last = taken.at(-1);
    if (found.length > limit && last !== undefined) next.push({ lane: each, after: last.seq });
  }
  return { schema: 'holdfast.entries/1', device, epoch: record.epoch, entries, next };
}

function deviceView(
  record: DeviceRecord,
  presence: DevicePresence | undefined,
  isRunning: boolean,
): DeviceView {
  const reported = presence?.reported;
  return {
    device: record.device,
    state: presence?.state ?? (isRunning ? 'offline' : 'unknown'),
    epoch: record.epoch,
    firstSeenAt: rfc3339(record.firstSeenAtMs),
    lastSeenAt: rfc3339(presence?.lastSeenAtMs),
    lastAckAt: rfc3339(presence?.lastAckAtMs),
    agentVersion: reported?.agentVersion ?? null,
    entries: record.lanes.reduce((sum, { watermark }) => sum + watermark, 0),
    lanes: lanes.map((lane, index) => ({ lane, watermark: record.lanes[index]?.watermark ?? 0 })),
    backlog: presence === undefined ? null : reportedBacklog(record, presence),
    runs:
      reported === undefined
        ? null
        : Object.fromEntries(reported.runs.map(({ state, count }) => [state, count])),
    refusals: presence?.refusals ?? 0,
    lastCommand: record.lastCommand,
  };
}

/**
 * What the device had when it reported, less what has arrived since: so that a report that is a
 * few seconds old does not show a backlog that is gone.
 */
function reportedBacklog(
  record: DeviceRecord,
  { reported, reportedAtMs }: DevicePresence,
): ReportedBacklog | null {
  const reportedAt = rfc3339(reportedAtMs);
  if (reported === undefined || reportedAt === null) return null;
  let [pending, bytes] = [0, 0];
  let oldestAtMs = Number.POSITIVE_INFINITY;
  reported.lanes.forEach((lane, index) => {
    const watermark = reported.epoch === record.epoch ? record.lanes[index]?.watermark : undefined;
    const missing = Math.max(0, lane.head - Math.max(lane.acked, watermark ?? 0));
    if (missing === 0) return;
    pending += missing;
    bytes += lane.backlogBytes;
    if (lane.oldestAtMs > 0) oldestAtMs = Math.min(oldestAtMs, lane.oldestAtMs);
  });
  return { pending, bytes, oldestAt: rfc3339(oldestAtMs), reportedAt };
}

function unhandledProblem({ service, calls }: UnhandledCalls): ProblemView {
  const { message, hint } = errorCatalogue.HF_CALL_UNHANDLED;
  const waits = calls === 1 ? '1 call waits' : `${calls} calls wait`;
  return { code: 'HF_CALL_UNHANDLED', message: `${message}: ${waits} for ${service}`, hint };
}
