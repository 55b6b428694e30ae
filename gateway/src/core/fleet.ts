import {
  errorCatalogue,
  HoldfastError,
  lanes,
  type Clock,
  type Lane,
  type OnProgress,
  type Sha256,
} from '@holdfast/protocol';
import { entryView, holeView, rfc3339 } from './entry-view.ts';
import type { BacklogHistory } from './backlog/backlog-history.ts';
import { createBacklog } from './backlog/fleet-backlog.ts';
import { createCalls } from './fleet-calls.ts';
import { createCommands } from './fleet-commands.ts';
import { createKeys } from './fleet-keys.ts';
import { exportPage } from './out/export.ts';
import { createWebhooks, type WebhookDesk } from './out/fleet-webhooks.ts';
import { createPrivacy } from './fleet-privacy.ts';
import { createQuarantine } from './fleet-quarantine.ts';
import { createValues } from './fleet-values.ts';
import type { ProblemView } from './device-views.ts';
import type { EntriesQuery, EntriesView, Fleet, VerifyView } from './fleet-views.ts';
import { createDevices } from './fleet-devices.ts';
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
        readonly history: BacklogHistory;
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
    ...createDevices({ ledger, clock, running, problems: unhandled }),
    async runs(query) {
      const { device } = query;
      if (device !== undefined) await recordOf(device);
      const { runs, next } = await findRuns(ledger, query);
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
    ...createBacklog({ ledger, clock, history: running?.history }),
    ...createCalls({ ledger, clock, running }),
    ...createWebhooks({ ledger, clock, desk: options.webhooks }),
    exportPage: (query) => exportPage(ledger, query),
    ...createCommands({
      ...{ ledger, clock, live: () => running?.live() ?? [] },
      issued: (device) => running?.issued(device),
    }),
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

function unhandledProblem({ service, calls }: UnhandledCalls): ProblemView {
  const { message, hint } = errorCatalogue.HF_CALL_UNHANDLED;
  const waits = calls === 1 ? '1 call waits' : `${calls} calls wait`;
  return { code: 'HF_CALL_UNHANDLED', message: `${message}: ${waits} for ${service}`, hint };
}
