import { errorCatalogue, isErrorCode, type ErrorCode } from '@holdfast/protocol';
import type { DeviceLedger } from './device-ledger.ts';
import { attention } from './device-page.ts';
import type { DeviceView, FleetSummary, ProblemView } from './device-views.ts';
import { rfc3339 } from './entry-view.ts';
import type { DeviceLive } from './live.ts';

/** How the whole fleet is, by what is counted and remembered: no device is read for it. */
export function summaryOf(
  devices: number,
  live: readonly DeviceLive[],
  unheard: DeviceView['state'],
): FleetSummary {
  const counts = new Map<DeviceView['state'], number>([
    [unheard, Math.max(0, devices - live.length)],
  ]);
  const versions = new Map<string, number>();
  let pending = 0;
  for (const each of live) {
    counts.set(each.state, (counts.get(each.state) ?? 0) + 1);
    pending += each.pending;
    const version = each.reported?.agentVersion;
    if (version !== undefined) versions.set(version, (versions.get(version) ?? 0) + 1);
  }
  const states: Record<string, number> = {};
  for (const state of attention) {
    const count = counts.get(state) ?? 0;
    if (count > 0) states[state] = count;
  }
  return { devices, pending, states, versions: mostOf(versions) };
}

/** A device may call its agent anything. */
const VERSIONS_MAX = 50;

/** Those that most devices have, by their names. */
function mostOf(versions: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const most = [...versions].toSorted(([, a], [, b]) => b - a).slice(0, VERSIONS_MAX);
  return Object.fromEntries(most.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** More of a kind tell nobody more; how many there are, the summary says. */
const PROBLEMS_MAX = 100;

/** Why devices are where they need a person. */
export function deviceProblems(live: readonly DeviceLive[]): readonly ProblemView[] {
  const needy = live.filter(({ state }) => state === 'stuck' || state === 'conflict');
  return needy.slice(0, PROBLEMS_MAX).flatMap(({ device, refusal }) => {
    if (refusal === undefined || !isErrorCode(refusal.code)) return [];
    const { message, hint } = errorCatalogue[refusal.code];
    return [{ code: refusal.code, message: `${device}: ${message}: ${refusal.why}`, hint }];
  });
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

/** Epochs of devices that began for a reason that somebody should look at. */
export async function newLifeProblems(
  ledger: Pick<DeviceLedger, 'newLives' | 'devicesOf'>,
  nowMs: number,
): Promise<readonly ProblemView[]> {
  const sinceMs = nowMs - NEW_LIFE_SHOWN_MS;
  const lives = await ledger.newLives({ sinceMs, limit: PROBLEMS_MAX });
  if (lives.length === 0) return [];
  const records = await ledger.devicesOf(lives.map(({ device }) => device));
  const epochs = new Map(records.map(({ device, epoch }) => [device, epoch]));
  return lives.flatMap(({ device, epoch, beganAtMs, cause }) => {
    const code = newLifeCodes[cause];
    if (code === undefined || epochs.get(device) !== epoch) return [];
    const { message, hint } = errorCatalogue[code];
    const what = `${message}: epoch ${epoch} began at ${rfc3339(beganAtMs)}`;
    return [{ code, message: `${device}: ${what}`, hint }];
  });
}
