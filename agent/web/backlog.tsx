import { useEffect, useState } from 'preact/hooks';
import { BacklogGraph } from '../../protocol/web/backlog-graph.tsx';
import { SyncGraph, type SyncPoint } from '../../protocol/web/sync-graph.tsx';
import type { StatusView } from '../src/core/views.ts';

/** An hour and a half of what changes with every question. */
const POINTS_MAX = 2_700;

/** How far behind this device was since the page was opened: the agent keeps no past. */
export function OwnBacklog({ of: status }: { readonly of: StatusView }) {
  const [points, setPoints] = useState<readonly SyncPoint[]>([]);
  useEffect(() => {
    const { backlog, link } = status;
    const isHeard = link.state !== 'offline';
    const arrived = backlog.lanes.reduce((sum, { acked }) => sum + acked, 0);
    const point = { atMs: Date.now(), pending: backlog.pending, arrived, isHeard };
    setPoints((known) => {
      const last = known.at(-1);
      const isSame = last?.pending === point.pending && last.arrived === arrived;
      if (isSame && last.isHeard === isHeard) return known;
      return [...known, point].slice(-POINTS_MAX);
    });
  }, [status]);
  if (points.length === 0) return null;
  const silence = 'offline; what was done then is here and has not arrived.';
  const nowMs = Date.now();
  return (
    <div class="graphs">
      <BacklogGraph title="Backlog" {...{ points, silence, nowMs }} />
      <SyncGraph {...{ points, nowMs }} />
    </div>
  );
}
