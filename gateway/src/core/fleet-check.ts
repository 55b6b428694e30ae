import {
  checkResults,
  formatDuration,
  noLimit,
  type CheckLimit,
  type CheckLook,
  type CheckResult,
  type CheckValue,
} from '@holdfast/protocol';
import type { DeviceView } from './device-views.ts';

/** What of a fleet can be checked. */
export const fleetSubjects = ['fleet', 'backlog', 'ledger', 'cert'] as const;
export type FleetSubject = (typeof fleetSubjects)[number];

/** From where on somebody is to be told. */
export interface FleetLimits {
  /** Devices that are stuck, of which two have one identity, that were not heard for too long. */
  readonly stuck: CheckLimit;
  readonly conflict: CheckLimit;
  readonly late: CheckLimit;
  /** Entries that have not arrived, of all devices. */
  readonly entries: CheckLimit;
  /** Of the oldest of them, of any device, ms. */
  readonly ageMs: CheckLimit;
  /** Of the oldest of those whose devices have a link, ms: what the ledger is behind. */
  readonly lagMs: CheckLimit;
  /** What is left of the authority's certificate, ms; less is worse. */
  readonly certMs: CheckLimit;
}

const MONTH_MS = 30 * 86_400_000;

/** A device that needs a person is worth a warning; what is too much only who asks can know. */
export const defaultFleetLimits: FleetLimits = {
  ...{ stuck: { warn: 0, critical: undefined }, conflict: { warn: 0, critical: undefined } },
  ...{ late: noLimit, entries: noLimit, ageMs: noLimit, lagMs: noLimit },
  certMs: { warn: MONTH_MS, critical: undefined },
};

/** A fleet, as far as a check looks at it. */
export interface FleetLook {
  readonly devices: readonly Pick<DeviceView, 'state' | 'lastSeenAt' | 'backlog'>[];
  /** When the certificate of the authority expires; `undefined`: there is none to look at. */
  readonly certUntil: string | undefined;
  readonly nowMs: number;
  /** Not heard for longer is late; `undefined`: never. */
  readonly lateAfterMs: number | undefined;
  readonly limits: FleetLimits;
}

/** What of a fleet a monitoring system should call somebody for, a result for each subject. */
export function checkFleet(
  look: FleetLook,
  subjects: readonly FleetSubject[] = fleetSubjects,
): readonly CheckResult[] {
  return checkResults(subjects, (subject) => looks[subject](look));
}

const looks: Readonly<Record<FleetSubject, (look: FleetLook) => CheckLook>> = {
  fleet: lookAtDevices,
  backlog: lookAtBacklog,
  ledger: lookAtLedger,
  cert: lookAtCertificate,
};

function lookAtDevices({ devices, limits, nowMs, lateAfterMs = Infinity }: FleetLook): CheckLook {
  const inState = (state: DeviceView['state']) =>
    devices.filter((device) => device.state === state).length;
  const late = devices.filter(({ lastSeenAt }) => {
    return lastSeenAt !== null && nowMs - Date.parse(lastSeenAt) > lateAfterMs;
  }).length;
  const [stuck, conflict] = [inState('stuck'), inState('conflict')];
  const offline = inState('offline');
  const values: readonly CheckValue[] = [
    { name: 'devices', value: devices.length, unit: '', ...noLimit },
    { name: 'offline', value: offline, unit: '', ...noLimit },
    { name: 'stuck', value: stuck, unit: '', ...limits.stuck },
    { name: 'conflict', value: conflict, unit: '', ...limits.conflict },
    { name: 'late', value: late, unit: '', ...limits.late },
  ];
  if (devices.length > 0 && inState('unknown') === devices.length) {
    return { text: 'no gateway runs', values, levels: ['CRITICAL'] };
  }
  const counts = { stuck, 'in conflict': conflict, late, offline };
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  const text = told.map(([what, count]) => `, ${count} ${what}`).join('');
  return {
    text: `${devices.length} ${devices.length === 1 ? 'device' : 'devices'}${text}`,
    values,
  };
}

function lookAtBacklog({ devices, limits, nowMs }: FleetLook): CheckLook {
  const pending = devices.reduce((sum, { backlog }) => sum + (backlog?.pending ?? 0), 0);
  const ageMs = oldestMs(devices, nowMs);
  const oldest = ageMs === 0 ? '' : `, the oldest for ${formatDuration(ageMs)}`;
  return {
    text: `${pending} ${pending === 1 ? 'entry' : 'entries'} pending as last reported${oldest}`,
    values: [
      { name: 'pending', value: pending, unit: '', ...limits.entries },
      { name: 'age', value: seconds(ageMs), unit: 's', ...inSeconds(limits.ageMs) },
    ],
  };
}

/** What a device with a link holds is on its way; where it lies for long, the gateway is behind. */
function lookAtLedger({ devices, limits, nowMs }: FleetLook): CheckLook {
  const linked = devices.filter(({ state }) => state === 'syncing' || state === 'stuck');
  const lagMs = oldestMs(linked, nowMs);
  return {
    text: lagMs === 0 ? 'ledger up to date' : `ledger ${formatDuration(lagMs)} behind`,
    values: [{ name: 'lag', value: seconds(lagMs), unit: 's', ...inSeconds(limits.lagMs) }],
  };
}

function lookAtCertificate({ certUntil, limits, nowMs }: FleetLook): CheckLook {
  if (certUntil === undefined) return { text: 'no authority looked at', values: [] };
  const leftMs = Date.parse(certUntil) - nowMs;
  const left = { name: 'cert_left', value: seconds(leftMs), unit: 's', isLeast: true } as const;
  return {
    text: leftMs > 0 ? `authority valid for ${formatDuration(leftMs)}` : 'authority has expired',
    values: [{ ...left, ...inSeconds(limits.certMs) }],
    levels: [leftMs > 0 ? 'OK' : 'CRITICAL'],
  };
}

/** How long the oldest entry waits that any of them has reported; 0: none does. */
function oldestMs(devices: FleetLook['devices'], nowMs: number): number {
  const ages = devices.flatMap(({ backlog }) =>
    backlog === null || backlog.pending === 0 || backlog.oldestAt === null
      ? []
      : [nowMs - Date.parse(backlog.oldestAt)],
  );
  return ages.reduce((most, age) => Math.max(most, age), 0);
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}

function inSeconds({ warn, critical }: CheckLimit): CheckLimit {
  const of = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1_000);
  return { warn: of(warn), critical: of(critical) };
}
