import {
  errorCatalogue,
  HoldfastError,
  isErrorCode,
  lanes,
  type Clock,
  type ErrorCode,
  type Lane,
  type OnProgress,
  type Sha256,
} from '@holdfast/protocol';
import { entryView, epochView, holeView, keyView, rfc3339 } from './entry-view.ts';
import { hasTags } from './dispatch.ts';
import { createCalls, parkedProblems } from './fleet-calls.ts';
import { createCommands, tagsOf, tagsView } from './fleet-commands.ts';
import { createKeys } from './fleet-keys.ts';
import { exportPage } from './out/export.ts';
import { createWebhooks, webhookProblems, type WebhookDesk } from './out/fleet-webhooks.ts';
import { createPrivacy } from './fleet-privacy.ts';
import { createQuarantine } from './fleet-quarantine.ts';
import { createValues } from './fleet-values.ts';
import type {
  DeviceView,
  ProblemView,
  ReportedBacklog,
} from './device-views.ts';
import type { EntriesQuery, EntriesView, Fleet, RunsQuery, VerifyView } from './fleet-views.ts';
import { devicePage } from './device-page.ts';
import type { ServiceState } from './handled-service.ts';
import type { UnhandledCalls } from './handlers.ts';
import type { DeviceRecord, Ledger, LedgerHole } from './ledger.ts';
import type { DeviceLive } from './live.ts';
import { findRuns } from './run-search.ts';

export interface FleetOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly sha256: Sha256;
  readonly webhooks: WebhookDesk;
  /** Absent: no gateway runs on this ledger. */
  readonly running?:
    | {
        readonly live: () => readonly DeviceLive[];
        readonly unhandled: () => readonly UnhandledCalls[];
        readonly services: () => readonly ServiceState[];
        /** Calls wait that did not before. */
        readonly wake: () => void;
        /** A command was issued for this device. */
        readonly issued: (device: string) => void;
        /** A person has decided for a key of a device, or against it. */
        readonly rekeyed: (record: DeviceRecord) => void;
      }
    | undefined;
}

/** Views of the ledger and, where a gateway runs, of what is going on. */
export function createFleet(options: FleetOptions): Fleet {
  const { ledger, clock, sha256, running } = options;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const unhandled = () => (running?.unhandled() ?? []).map(unhandledProblem);

  const recordOf = async (device: string): Promise<DeviceRecord> => {
    const record = await ledger.device(device);
    if (record !== undefined) return record;
    throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
  };

  return {
    async devices(query) {
      const live = new Map(running?.live().map((each) => [each.device, each]));
      const devices = (await ledger.devices()).map((record) =>
        deviceView(record, live.get(record.device), running !== undefined),
      );
      const lives = devices.flatMap((device) => newLifeProblems(device, clock.nowMs()));
      const calls = [...unhandled(), ...(await parkedProblems(ledger))];
      calls.push(...(await webhookProblems(ledger)));
      const problems = [...devices.flatMap(deviceProblems), ...lives, ...calls];
      return { schema: 'holdfast.devices/1', at: now(), ...devicePage(devices, query), problems };
    },
    async device(device) {
      const record = await recordOf(device);
      const live = running?.live().find((each) => each.device === device);
      const view = deviceView(record, live, running !== undefined);
      const epochs = (await ledger.epochs(device)).map(epochView);
      const keys = (await ledger.keys(device)).map(keyView);
      return { schema: 'holdfast.device/1', at: now(), ...view, epochs, keys };
    },
    async runs(query) {
      const { device } = query;
      if (device !== undefined) await recordOf(device);
      const { runs, next } = await findRuns(ledger, query, await taggedDevices(ledger, query));
      const [at, problems] = [now(), unhandled()];
      return { schema: 'holdfast.fleet-runs/1', at, device: device ?? null, runs, next, problems };
    },
    async entries(query) {
      const record = await recordOf(query.device);
      return { ...(await readEntries(ledger, record, query)), at: now() };
    },
    verify: createVerify(ledger, now),
    ...createKeys(options),
    ...createValues({ ledger, clock, sha256 }),
    ...createQuarantine(ledger, clock),
    ...createPrivacy(ledger, clock),
    ...createCalls({ ledger, clock, running }),
    ...createWebhooks({ ledger, clock, desk: options.webhooks }),
    exportPage: (query) => exportPage(ledger, query),
    ...createCommands({ ledger, clock, issued: (device) => running?.issued(device) }),
  };
}

/** One look over the ledger at a time: those who ask meanwhile share the answer. */
function createVerify(ledger: Ledger, now: () => string): Fleet['verify'] {
  const verify = async (progress?: OnProgress): Promise<VerifyView> => {
    const report = await ledger.verify(progress);
    const whole = report.faults.length === 0;
    return { schema: 'holdfast.verify/1', at: now(), whole, ...report };
  };
  let verifying: Promise<VerifyView> | undefined;
  return (progress) => {
    verifying ??= verify(progress).finally(() => {
      verifying = undefined;
    });
    return verifying;
  };
}

/** Ids of the devices that have the tags which are asked for; `undefined`: none are. */
async function taggedDevices(
  ledger: Ledger,
  { tags }: RunsQuery,
): Promise<ReadonlySet<string> | undefined> {
  if (tags === undefined) return undefined;
  const wanted = tagsOf(tags);
  const records = (await ledger.devices()).filter((each) => hasTags(each.tags, wanted));
  return new Set(records.map(({ device }) => device));
}

async function readEntries(
  ledger: Ledger,
  record: DeviceRecord,
  query: EntriesQuery,
): Promise<Omit<EntriesView, 'at'>> {
  const { device, epoch = record.epoch, lane, after = 0, limit } = query;
  const entries: EntriesView['entries'][number][] = [];
  const holes: EntriesView['holes'][number][] = [];
  const clocks = await ledger.clocks(device, record.epoch);
  const next: { lane: Lane; after: number }[] = [];
  for (const each of lane === undefined ? lanes : [lane]) {
    // One more than asked for tells whether there is more.
    const found = await ledger.entries({ device, epoch, lane: each, after, limit: limit + 1 });
    const taken = found.slice(0, limit);
    entries.push(...taken.map((entry) => entryView(entry, clocks)));
    const last = taken.at(-1);
    const isMore = found.length > limit && last !== undefined;
    if (isMore) next.push({ lane: each, after: last.seq });
    const declared = await ledger.holes({ device, epoch, lane: each, after, limit });
    const isHere = (hole: LedgerHole) => !isMore || hole.seqFirst < last.seq;
    holes.push(...declared.filter(isHere).map(holeView));
  }
  return { schema: 'holdfast.entries/1', device, epoch, entries, holes, next };
}

function deviceView(
  record: DeviceRecord,
  live: DeviceLive | undefined,
  isRunning: boolean,
): DeviceView {
  const reported = live?.reported;
  return {
    device: record.device,
    state: live?.state ?? (isRunning ? 'offline' : 'unknown'),
    epoch: record.epoch,
    began: { at: rfc3339(record.began.atMs), cause: record.began.cause || null },
    firstSeenAt: rfc3339(record.firstSeenAtMs),
    lastSeenAt: rfc3339(live?.lastSeenAtMs),
    lastAckAt: rfc3339(live?.lastAckAtMs),
    agentVersion: reported?.agentVersion ?? null,
    entries: record.lanes.reduce((sum, { watermark }) => sum + watermark, -record.holes.entries),
    holes: record.holes,
    lanes: lanes.map((lane, index) => ({ lane, watermark: record.lanes[index]?.watermark ?? 0 })),
    backlog: live === undefined ? null : reportedBacklog(record, live),
    clockAheadMs: live?.clockAheadMs ?? null,
    runs:
      reported === undefined
        ? null
        : Object.fromEntries(reported.runs.map(({ state, count }) => [state, count])),
    refusals: live?.refusals ?? 0,
    refusal: live?.refusal ?? null,
    lastCommand: record.lastCommand,
    tags: tagsView(record.tags),
  };
}

/**
 * What the device had when it reported, less what has arrived since: so that a report that is a
 * few seconds old does not show a backlog that is gone.
 */
function reportedBacklog(
  record: DeviceRecord,
  { reported, reportedAtMs }: DeviceLive,
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

/** Why a device is where it needs a person. */
function deviceProblems({ device, state, refusal }: DeviceView): readonly ProblemView[] {
  if (state !== 'stuck' && state !== 'conflict') return [];
  if (refusal === null || !isErrorCode(refusal.code)) return [];
  const { message, hint } = errorCatalogue[refusal.code];
  return [{ code: refusal.code, message: `${device}: ${message}: ${refusal.why}`, hint }];
}

const newLifeCodes: Readonly<Record<string, ErrorCode>> = {
  salvaged: 'HF_STORE_SALVAGED',
  rewound: 'HF_JOURNAL_REWOUND',
  forked: 'HF_CHAIN_BROKEN',
  moved: 'HF_MACHINE_CHANGED',
  restored: 'HF_STORE_RESTORED',
};
/** How long people are told of an epoch that began. */
const NEW_LIFE_SHOWN_MS = 7 * 24 * 60 * 60_000;

/** An epoch that began for a reason that somebody should look at. */
function newLifeProblems({ device, epoch, began }: DeviceView, nowMs: number): ProblemView[] {
  const code = newLifeCodes[began.cause ?? ''];
  if (code === undefined || began.at === null) return [];
  if (nowMs - Date.parse(began.at) > NEW_LIFE_SHOWN_MS) return [];
  const { message, hint } = errorCatalogue[code];
  return [{ code, message: `${device}: ${message}: epoch ${epoch} began at ${began.at}`, hint }];
}

function unhandledProblem({ service, calls }: UnhandledCalls): ProblemView {
  const { message, hint } = errorCatalogue.HF_CALL_UNHANDLED;
  const waits = calls === 1 ? '1 call waits' : `${calls} calls wait`;
  return { code: 'HF_CALL_UNHANDLED', message: `${message}: ${waits} for ${service}`, hint };
}
