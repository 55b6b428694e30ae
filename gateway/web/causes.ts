import type { DeviceView } from '../src/core/device-views.ts';
import type { RunView } from '../src/core/fleet-views.ts';
import { sentence } from '../../protocol/web/parts.tsx';
import { deviceAddress, runAddress } from './runs.tsx';

/** What needs a person, by what it is about: one of these, however many it concerns. */
export interface Cause {
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

const verbs: Readonly<Record<string, string>> = { failed: 'failed', stuck: 'is stuck' };

/** Those that concern most first. */
export function causesOf(
  devices: readonly DeviceView[],
  runs: readonly RunView[],
): readonly Cause[] {
  const causes = new Map<string, Cause>();
  const add = (title: string, state: string, at: string | null, place: Place) => {
    const known = causes.get(title);
    const since = [known?.since, at].filter((each) => typeof each === 'string').toSorted()[0];
    const places = [...(known?.places ?? []), place];
    causes.set(title, { title, state, since: since ?? null, places });
  };
  for (const { device, state, refusal, lastAckAt } of devices) {
    const place = { name: device, device, address: deviceAddress(device) };
    if (state === 'conflict') add('Two machines use one identity', state, lastAckAt, place);
    if (state === 'stuck') {
      const none = 'The gateway acknowledges nothing more';
      const why = refusal === null ? none : sentence(refusal.why);
      add(why, state, lastAckAt, place);
    }
  }
  for (const run of runs) {
    const verb = verbs[run.state];
    if (verb === undefined) continue;
    const { device, id, workflow } = run;
    const place = { name: `${device} · ${id}`, device, address: runAddress(run), run };
    add(`${workflow} ${verb}`, run.state, run.updatedAt, place);
  }
  return [...causes.values()].toSorted((a, b) => b.places.length - a.places.length);
}

/** How many a cause concerns, and where. */
export function extentOf({ places }: Cause): string {
  const count = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;
  const devices = count(new Set(places.map(({ device }) => device)).size, 'device');
  const runs = places.filter(({ run }) => run !== undefined).length;
  return runs === 0 ? devices : `${count(runs, 'run')} on ${devices}`;
}
