import { BacklogGraph } from '../../protocol/web/backlog-graph.tsx';
import { formatCount, formatDuration } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { SyncGraph } from '../../protocol/web/sync-graph.tsx';
import type {
  BacklogPointView,
  DeviceBacklogView,
  FleetBacklogView,
} from '../src/core/backlog/backlog-views.ts';
import type { Live } from './api.ts';
import { deviceAddress } from './runs.tsx';

const silence = 'offline; it may have had more then than it had reported.';

const pointOf = ({ at, pending, arrived, heard }: BacklogPointView) => ({
  ...{ atMs: Date.parse(at), pending, arrived, isHeard: heard },
});

/** How far behind a device was over the last day, and what it has appended and brought. */
export function DeviceBacklog({ of }: { readonly of: DeviceBacklogView }) {
  const points = of.points.map(pointOf);
  const nowMs = Date.parse(of.at);
  const away = of.outages.map(({ from, to }) => ({
    startMs: Date.parse(from),
    endMs: to === null ? nowMs : Date.parse(to),
  }));
  return (
    <div class="graphs">
      <BacklogGraph title="Backlog" {...{ points, silence, nowMs, away }} />
      <SyncGraph {...{ points, nowMs }} />
    </div>
  );
}

/** How far behind the fleet is and was, and who catches up. */
export function FleetBacklog(props: {
  readonly of: Live<FleetBacklogView>;
  readonly pending: number;
}) {
  const { of, pending } = props;
  const { data, problem } = of;
  if (data === undefined) return <ProblemNote problem={problem} />;
  return (
    <section class="panel" aria-label="Backlog of the fleet">
      <p class="figures">
        <Figure value={formatCount(pending)} of="entries not arrived yet, as reported last" />
        <Figure value={`${rateText(data.arrivingPerSecond)}/s`} of="arriving" />
        {data.catchUpP95Ms !== null && (
          <Figure value={formatDuration(data.catchUpP95Ms)} of="to catch up, 19 of 20 devices" />
        )}
      </p>
      <BacklogGraph
        title="Backlog of the fleet"
        points={data.points.map(pointOf)}
        silence={silence}
        nowMs={Date.parse(data.at)}
      />
      <CatchingUp of={data.catchingUp} />
    </section>
  );
}

const rateText = (rate: number) => (rate < 10 ? String(rate) : formatCount(Math.round(rate)));

function Figure({ value, of }: { readonly value: string; readonly of: string }) {
  return (
    <span>
      <b>{value}</b> {of}
    </span>
  );
}

/** Devices that are back and drain. */
function CatchingUp({ of }: { readonly of: FleetBacklogView['catchingUp'] }) {
  if (of.devices === 0) return null;
  const more = of.devices - of.first.length;
  return (
    <>
      <h2>Catching up</h2>
      <ul class="lanes">
        {of.first.map(({ device, pending, peak, leftMs }) => (
          <li key={device}>
            <a href={deviceAddress(device)}>{device}</a>
            <progress max={peak} value={peak - pending} aria-label={`${device} has caught up`} />
            <span>
              {formatCount(pending)} of {formatCount(peak)} left
              {leftMs !== null && `, about ${formatDuration(Math.max(1_000, leftMs))}`}
            </span>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="empty">and {formatCount(more)} more</p>}
    </>
  );
}
