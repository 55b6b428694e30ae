import { HoldfastError, type Clock } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { Ledger } from '../ledger.ts';
import type { BacklogHistory, CatchUp } from './backlog-history.ts';
import type { BacklogPoint } from './backlog-series.ts';
import type { BacklogPointView, FleetBacklog, OutageView } from './backlog-views.ts';
import type { Outage } from './outages.ts';

interface BacklogOptions {
  readonly ledger: Pick<Ledger, 'device'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Absent: no gateway runs on this ledger. */
  readonly history?: BacklogHistory | undefined;
}

const CATCH_UPS_SHOWN = 20;

/** What is told of how far behind devices were, and are. */
export function createBacklog({ ledger, clock, history }: BacklogOptions): FleetBacklog {
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const since = rfc3339(history?.startedAtMs);
  const pointsOf = (device: string | undefined) =>
    (history?.points(device, clock.nowMs()) ?? []).map(pointView);
  return {
    fleetBacklog() {
      const nowMs = clock.nowMs();
      const all = history?.catchingUp(nowMs) ?? [];
      return Promise.resolve({
        ...{ schema: 'holdfast.fleet-backlog/1', at: now(), since, points: pointsOf(undefined) },
        arrivingPerSecond: Math.round((history?.arrivingPerS(nowMs) ?? 0) * 10) / 10,
        catchUpP95Ms: history?.catchUpP95Ms ?? null,
        catchingUp: { devices: all.length, first: all.slice(0, CATCH_UPS_SHOWN).map(catchUpView) },
      });
    },
    async deviceBacklog(device) {
      if ((await ledger.device(device)) === undefined) {
        throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      }
      const outages = (history?.outages(device, clock.nowMs()) ?? []).map(outageView);
      const overTime = { at: now(), device, since, points: pointsOf(device) };
      return { schema: 'holdfast.device-backlog/1', ...overTime, outages };
    },
  };
}

function catchUpView({ device, pending, peak, sinceMs, leftMs }: CatchUp) {
  const since = rfc3339(sinceMs) ?? '';
  return { device, pending, peak, since, leftMs: leftMs === undefined ? null : Math.round(leftMs) };
}

function pointView({ atMs, pending, arrived, isHeard }: BacklogPoint): BacklogPointView {
  return { at: rfc3339(atMs) ?? '', pending, arrived: Math.max(0, arrived), heard: isHeard };
}

function outageView({ fromMs, toMs }: Outage): OutageView {
  return { from: rfc3339(fromMs) ?? '', to: rfc3339(toMs) };
}
