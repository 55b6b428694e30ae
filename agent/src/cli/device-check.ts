import {
  checkResults,
  formatBytes,
  formatDuration,
  noLimit,
  type CheckLimit,
  type CheckLook,
  type CheckResult,
  type CheckValue,
} from '@holdfast/protocol/base';
import type { StatusView } from '../core/views.ts';

/** What of a device can be checked. */
export const checkSubjects = ['backlog', 'uplink', 'store', 'clock', 'stuck', 'cert'] as const;
export type CheckSubject = (typeof checkSubjects)[number];

/** From where on somebody is to be told. */
export interface DeviceLimits {
  /** Of the backlog. */
  readonly entries: CheckLimit;
  readonly bytes: CheckLimit;
  /** Of its oldest entry, ms. */
  readonly ageMs: CheckLimit;
  /** Without a connection, ms. */
  readonly offlineMs: CheckLimit;
  /** Of its budget that the journal takes, percent. */
  readonly usedPercent: CheckLimit;
  /** What the disk has for it; less is worse. */
  readonly freeBytes: CheckLimit;
  /** How far the clock of the system is off, ms. */
  readonly clockMs: CheckLimit;
  /** Runs that need a person. */
  readonly stuckRuns: CheckLimit;
  /** What is left of the certificate, ms; less is worse. */
  readonly certMs: CheckLimit;
}

/** A run that is stuck is worth a warning; what else is too much only who asks can know. */
export const defaultLimits: DeviceLimits = {
  ...{ entries: noLimit, bytes: noLimit, ageMs: noLimit, offlineMs: noLimit },
  ...{ usedPercent: noLimit, freeBytes: noLimit, clockMs: noLimit, certMs: noLimit },
  stuckRuns: { warn: 0, critical: undefined },
};

export interface DeviceCheck {
  readonly status: StatusView;
  readonly limits: DeviceLimits;
  readonly nowMs: number;
}

/**
 * What of a device a monitoring system should call somebody for, a result for each subject. Offline
 * alone is no reason.
 */
export function checkDevice(
  asked: DeviceCheck,
  subjects: readonly CheckSubject[] = checkSubjects,
): readonly CheckResult[] {
  return checkResults(subjects, (subject) => looks[subject](asked));
}

const looks: Readonly<Record<CheckSubject, (asked: DeviceCheck) => CheckLook>> = {
  backlog: lookAtBacklog,
  uplink: lookAtUplink,
  store: lookAtStore,
  clock: lookAtClock,
  stuck: lookAtRuns,
  cert: lookAtCertificate,
};

function lookAtBacklog({ status: { backlog }, limits, nowMs }: DeviceCheck): CheckLook {
  const { pending, bytes, oldestAt } = backlog;
  const ageMs = sinceMs(oldestAt, nowMs);
  const oldest = oldestAt === null ? '' : `, the oldest for ${formatDuration(ageMs)}`;
  return {
    text: `${pending} ${pending === 1 ? 'entry' : 'entries'} pending${oldest}`,
    values: [
      { name: 'pending', value: pending, unit: '', ...limits.entries },
      { name: 'bytes', value: bytes, unit: 'B', ...limits.bytes },
      { name: 'age', value: seconds(ageMs), unit: 's', ...inSeconds(limits.ageMs) },
    ],
  };
}

function lookAtUplink({ status: { agent, link }, limits, nowMs }: DeviceCheck): CheckLook {
  const isOffline = link.state === 'offline' || link.state === 'stopped';
  const offlineMs = isOffline ? sinceMs(link.since, nowMs) : 0;
  const isConnected = link.state === 'synced' || link.state === 'syncing';
  const isStuck = link.state === 'stuck';
  const values: readonly CheckValue[] = [
    { name: 'connected', value: isConnected ? 1 : 0, unit: '', ...noLimit },
    { name: 'offline', value: seconds(offlineMs), unit: 's', ...inSeconds(limits.offlineMs) },
  ];
  if (!agent.running) return { text: 'the agent does not run', values, levels: ['CRITICAL'] };
  if (isStuck) {
    return { text: link.problem?.message ?? 'the link is stuck', values, levels: ['CRITICAL'] };
  }
  const since = isOffline ? ` for ${formatDuration(offlineMs)}` : '';
  return { text: `${link.state === 'none' ? 'no gateway' : link.state}${since}`, values };
}

/** Codes of problems that the store has, though it takes what is journaled. */
const STORE_PROBLEM = /^HF_(?:STORE|DATA_DIR)_/;

function lookAtStore({ status: { journal, problems }, limits }: DeviceCheck): CheckLook {
  const { state, usedBytes, maxBytes, diskFreeBytes } = journal;
  const found = problems.filter(({ code }) => STORE_PROBLEM.test(code));
  const percent = maxBytes === null ? undefined : Math.round((usedBytes / maxBytes) * 1_000) / 10;
  const of = percent === undefined ? '' : ` of ${formatBytes(maxBytes ?? 0)} (${percent} %)`;
  const free = diskFreeBytes === null ? '' : `, disk ${formatBytes(diskFreeBytes)} free`;
  const used: CheckValue[] =
    percent === undefined
      ? []
      : [{ name: 'used', value: percent, unit: '%', ...limits.usedPercent }];
  const room: CheckValue[] =
    diskFreeBytes === null
      ? []
      : [{ name: 'free', value: diskFreeBytes, unit: 'B', ...limits.freeBytes, isLeast: true }];
  const wrong = found.map(({ message }) => message);
  if (state !== 'ok') wrong.unshift(`the journal is ${state}`);
  return {
    text: wrong.length === 0 ? `journal ${formatBytes(usedBytes)}${of}${free}` : wrong.join('; '),
    values: [...used, ...room],
    levels: [state === 'ok' ? 'OK' : 'CRITICAL', found.length === 0 ? 'OK' : 'WARNING'],
  };
}

function lookAtClock({ status: { clock }, limits }: DeviceCheck): CheckLook {
  // An agent that does not run has no opinion on the time.
  if (clock === null) return { text: 'clock not looked at', values: [] };
  const offMs = Math.abs(clock.wallAheadMs);
  const value = offMs / 1_000;
  const values: readonly CheckValue[] = [
    { name: 'clock_off', value, unit: 's', ...inSeconds(limits.clockMs) },
  ];
  if (clock.source === 'none') return { text: 'nobody has told the time yet', values };
  const how = clock.wallAheadMs < 0 ? 'behind' : 'ahead';
  const by = clock.source === 'gateway' ? 'the gateway' : 'the system';
  const text = `clock ${formatDuration(offMs)} ${how}, by ${by}`;
  return { text: offMs === 0 ? `clock right, by ${by}` : text, values };
}

function lookAtRuns({ status: { runs }, limits }: DeviceCheck): CheckLook {
  const stuck = runs.stuck ?? 0;
  const are = stuck === 1 ? '1 run is stuck' : `${stuck} runs are stuck`;
  return {
    text: stuck === 0 ? 'no run is stuck' : are,
    values: [{ name: 'stuck', value: stuck, unit: '', ...limits.stuckRuns }],
  };
}

function lookAtCertificate({ status, limits, nowMs }: DeviceCheck): CheckLook {
  const { certificate, problems } = status;
  if (certificate === null) return { text: 'no certificate', values: [] };
  const leftMs = Date.parse(certificate.expiresAt) - nowMs;
  const values: readonly CheckValue[] = [
    {
      ...{ name: 'cert_left', value: seconds(leftMs), unit: 's', isLeast: true },
      ...inSeconds(limits.certMs),
    },
  ];
  const found = problems.find(({ code }) => code.startsWith('HF_CERTIFICATE_'));
  const left = `certificate valid for ${formatDuration(Math.max(0, leftMs))}`;
  return {
    text: found?.message ?? left,
    values,
    levels: [leftMs <= 0 ? 'CRITICAL' : found === undefined ? 'OK' : 'WARNING'],
  };
}

function sinceMs(at: string | null, nowMs: number): number {
  return at === null ? 0 : Math.max(0, nowMs - Date.parse(at));
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}

function inSeconds({ warn, critical }: CheckLimit): CheckLimit {
  const of = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1_000);
  return { warn: of(warn), critical: of(critical) };
}
