import { HoldfastError, type Clock } from '@holdfast/protocol';
import type { BacklogHistory } from './backlog/backlog-history.ts';
import { findDevices, knownDevice } from './device-page.ts';
import { deviceView } from './device-view.ts';
import type { DeviceView, ProblemView } from './device-views.ts';
import { epochView, keyView, rfc3339 } from './entry-view.ts';
import { parkedProblems } from './fleet-calls.ts';
import { deviceProblems, newLifeProblems, summaryOf } from './fleet-summary.ts';
import type { Fleet } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';
import type { DeviceLive } from './live.ts';
import { webhookProblems } from './out/fleet-webhooks.ts';

interface DevicesOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly running?:
    | { readonly live: () => readonly DeviceLive[]; readonly history: BacklogHistory }
    | undefined;
  /** Of the gateway itself. */
  readonly problems: () => readonly ProblemView[];
}

/**
 * What the fleet tells of devices. Of those that this gateway has heard of, it knows how they are;
 * the ledger is asked for what is on the page, and for how many there are.
 */
export function createDevices(options: DevicesOptions): Pick<Fleet, 'devices' | 'device'> {
  const { ledger, clock, running } = options;
  const unheard = running === undefined ? 'unknown' : 'offline';
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const heardOf = (live: readonly DeviceLive[]) => new Map(live.map((each) => [each.device, each]));
  return {
    async devices(query) {
      const all = running?.live() ?? [];
      const sources = { ledger, live: heardOf(all), unheard } as const;
      const [page, count, lives] = await Promise.all([
        findDevices(sources, query),
        ledger.deviceCount(),
        newLifeProblems(ledger, clock.nowMs()),
      ]);
      const problems = [...deviceProblems(all), ...lives, ...options.problems()];
      problems.push(...(await parkedProblems(ledger)), ...(await webhookProblems(ledger)));
      const { next } = page;
      const peaksOf = ({ device }: DeviceView) =>
        query.peaks === true && running ? running.history.peaks(device, clock.nowMs()) : null;
      const devices = page.devices
        .map(deviceView)
        .map((view) => ({ ...view, peaks: peaksOf(view) }));
      const summary = summaryOf(count, all, unheard);
      return { schema: 'holdfast.devices/1', at: now(), devices, next, summary, problems };
    },
    async device(device) {
      const record = await ledger.device(device);
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      const live = heardOf((running?.live() ?? []).filter((each) => each.device === device));
      const view = deviceView(knownDevice({ live, unheard }, record));
      const epochs = (await ledger.epochs(device)).map(epochView);
      const keys = (await ledger.keys(device)).map(keyView);
      return { schema: 'holdfast.device/1', at: now(), ...view, epochs, keys };
    },
  };
}
