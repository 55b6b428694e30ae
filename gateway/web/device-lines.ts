import { formatDuration } from '../../protocol/web/format.ts';
import type { DeviceBacklogView } from '../src/core/backlog/backlog-views.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';

/** Something that was noticed, and when. */
export interface Line {
  readonly at: string;
  readonly says: string;
}

/** What was noticed of a device here, the newest first. */
export function linesOf(
  device: Pick<DeviceDetailView, 'firstSeenAt' | 'epochs' | 'keys'>,
  outages: DeviceBacklogView['outages'],
): readonly Line[] {
  const lines: Line[] = [];
  const add = (at: string | null, says: string) => at !== null && lines.push({ at, says });
  add(device.firstSeenAt, 'it was seen first');
  for (const { from, to } of outages) {
    add(from, 'it was heard last before an outage');
    if (to === null) continue;
    const ms = Date.parse(to) - Date.parse(from);
    add(to, `it was back after ${formatDuration(ms)}`);
  }
  for (const { epoch, beganAt, cause, why } of device.epochs) {
    if (cause !== null) add(beganAt, `epoch ${epoch} of its journal began: ${cause}: ${why}`);
  }
  for (const { key, since, acceptedAt, revokedAt } of device.keys) {
    add(acceptedAt, `somebody decided for its key ${key}`);
    add(since, `it greeted with its key ${key}`);
    add(revokedAt, `its key ${key} counted no more`);
  }
  return lines.toSorted((a, b) => (a.at < b.at ? 1 : -1));
}
