import {
  errorCatalogue,
  HoldfastError,
  isErrorCode,
  type Clock,
  type ErrorCode,
} from '@holdfast/protocol';
import { devicePage } from './device-page.ts';
import { deviceView, knownDevice, type KnownDevice } from './device-view.ts';
import type { ProblemView } from './device-views.ts';
import { epochView, keyView, rfc3339 } from './entry-view.ts';
import { parkedProblems } from './fleet-calls.ts';
import type { Fleet } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';
import type { DeviceLive } from './live.ts';
import { webhookProblems } from './out/fleet-webhooks.ts';

interface DevicesOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly running?: { readonly live: () => readonly DeviceLive[] } | undefined;
  /** Of the gateway itself. */
  readonly problems: () => readonly ProblemView[];
}

/**
 * What the fleet tells of devices. All of them are looked at for each answer, so that its sums are
 * of this moment; only those on its page are told in full.
 */
export function createDevices(options: DevicesOptions): Pick<Fleet, 'devices' | 'device'> {
  const { ledger, clock, running } = options;
  const isRunning = running !== undefined;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  return {
    async devices(query) {
      const live = new Map(running?.live().map((each) => [each.device, each]));
      const devices = (await ledger.devices()).map((record) =>
        knownDevice(record, live.get(record.device), isRunning),
      );
      const nowMs = clock.nowMs();
      const problems = [...problemsOf(devices, nowMs), ...options.problems()];
      problems.push(...(await parkedProblems(ledger)), ...(await webhookProblems(ledger)));
      return { schema: 'holdfast.devices/1', at: now(), ...devicePage(devices, query), problems };
    },
    async device(device) {
      const record = await ledger.device(device);
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      const live = running?.live().find((each) => each.device === device);
      const view = deviceView(knownDevice(record, live, isRunning));
      const epochs = (await ledger.epochs(device)).map(epochView);
      const keys = (await ledger.keys(device)).map(keyView);
      return { schema: 'holdfast.device/1', at: now(), ...view, epochs, keys };
    },
  };
}

/** Most devices have none: nothing is made for those. */
function problemsOf(devices: readonly KnownDevice[], nowMs: number): readonly ProblemView[] {
  const needy = devices.filter(({ state }) => state === 'stuck' || state === 'conflict');
  const newborn = devices.filter(({ record }) => record.began.cause !== '');
  const lives = newborn.flatMap((device) => newLifeProblems(device, nowMs));
  return [...needy.flatMap(deviceProblems), ...lives];
}

/** Why a device is where it needs a person. */
function deviceProblems({ record, live }: KnownDevice): readonly ProblemView[] {
  const refusal = live?.refusal;
  if (refusal === undefined || !isErrorCode(refusal.code)) return [];
  const { message, hint } = errorCatalogue[refusal.code];
  return [{ code: refusal.code, message: `${record.device}: ${message}: ${refusal.why}`, hint }];
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
function newLifeProblems({ record }: KnownDevice, nowMs: number): readonly ProblemView[] {
  const { device, epoch, began } = record;
  const code = newLifeCodes[began.cause];
  if (code === undefined || nowMs - began.atMs > NEW_LIFE_SHOWN_MS) return [];
  const { message, hint } = errorCatalogue[code];
  const what = `${message}: epoch ${epoch} began at ${rfc3339(began.atMs)}`;
  return [{ code, message: `${device}: ${what}`, hint }];
}
