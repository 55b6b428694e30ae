import type { DeviceView } from '../src/core/device-views.ts';
import type { RunView } from '../src/core/fleet-views.ts';
import { formatDuration, short } from '../../protocol/web/format.ts';
import { sentence } from '../../protocol/web/parts.tsx';
import { deviceAddress, runAddress } from './runs.tsx';

/** What needs a person, by what it is about: one of these, however many it concerns. */
export interface Cause {
  /** The same whenever it comes up again. */
  readonly key: string;
  /** As somebody would say it. */
  readonly title: string;
  readonly state: string;
  /** Of the oldest. */
  readonly since: string | null;
  readonly places: readonly Place[];
}

export interface Place {
  readonly name: string;
  readonly device: string;
  readonly address: string;
  /** `undefined`: it is about a device. */
  readonly run?: Pick<RunView, 'device' | 'id'>;
}

type Found = Pick<Cause, 'key' | 'title' | 'state' | 'since'>;

const verbs: Readonly<Record<string, string>> = { failed: 'failed', stuck: 'is stuck' };
const TITLE_LENGTH = 160;

/** Those that concern most first. */
export function causesOf(
  devices: readonly DeviceView[],
  runs: readonly RunView[],
): readonly Cause[] {
  const causes = new Map<string, Cause>();
  const add = (found: Found, place: Place) => {
    const known = causes.get(found.key);
    const times = [known?.since, found.since].filter((each) => typeof each === 'string');
    const places = [...(known?.places ?? []), place];
    causes.set(found.key, { ...found, since: times.toSorted()[0] ?? null, places });
  };
  for (const view of devices) {
    const { device } = view;
    const title = deviceTitle(view);
    if (title === undefined) continue;
    const { state, lastAckAt: since } = view;
    const key = JSON.stringify([state, title]);
    add({ key, title, state, since }, { name: device, device, address: deviceAddress(device) });
  }
  for (const run of runs) {
    const verb = verbs[run.state];
    if (verb === undefined) continue;
    const { device, id, workflow, state, updatedAt: since } = run;
    const { code, step } = run.reason ?? { code: null, step: null };
    const key = JSON.stringify([state, workflow, step, code]);
    const title = `${workflow}${step === null ? '' : `/${step}`} ${code ?? verb}`;
    const place = { name: `${device} · ${id}`, device, address: runAddress(run), run };
    add({ key, title, state, since }, place);
  }
  return [...causes.values()].toSorted((a, b) => b.places.length - a.places.length);
}

/** `undefined`: the device needs nobody. */
function deviceTitle({ state, refusal }: DeviceView): string | undefined {
  if (state === 'conflict') return 'Two machines use one identity';
  if (state !== 'stuck') return undefined;
  if (refusal === null) return 'The gateway acknowledges nothing more';
  return sentence(refusal.why).replace(/\.$/, '');
}

/** A cause in a line: what, on how many devices, since when. */
export function headlineOf({ title, since, places }: Cause, nowMs = Date.now()): string {
  const devices = counted(new Set(places.map(({ device }) => device)).size, 'device');
  const ms = since === null ? 0 : nowMs - Date.parse(since);
  const age = ms > 0 ? ` since ${formatDuration(ms)}` : '';
  return `${short(title, TITLE_LENGTH)} on ${devices}${age}`;
}

/** Of how many runs a cause is; `undefined`: it is of devices. */
export function extentOf({ state, places }: Cause): string | undefined {
  const runs = places.filter(({ run }) => run !== undefined).length;
  if (runs === 0) return undefined;
  const areStuck = runs === 1 ? 'is stuck' : 'are stuck';
  return `${counted(runs, 'run')} ${state === 'stuck' ? areStuck : 'failed'}`;
}

function counted(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`;
}
