import { ago, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote, State } from '../../protocol/web/parts.tsx';
import { RunTimeline } from '../../protocol/web/run-timeline.tsx';
import { isFinal, type ShownEntry } from '../../protocol/web/shown.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { shownEntry } from './entries.tsx';
import { ForkAction, RunActions } from './run-actions.tsx';
import { deviceAddress } from './runs.tsx';

const PAGE = 1_000;

/** Entries of a run among the newest of a lane. */
function useEntries(
  device: DeviceDetailView | undefined,
  lane: EntryView['lane'],
  run: string,
): readonly ShownEntry[] {
  const watermark = device?.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const after = Math.max(0, watermark - PAGE);
  const asked = { params: { id: device?.device ?? '' }, query: { lane, after, limit: PAGE } };
  const args = watermark === 0 ? undefined : ([asked] as const);
  const { data } = useLive('GET /api/devices/{id}/entries', args, 4_000);
  return (data?.entries ?? []).filter((entry) => entry['run'] === run).map(shownEntry);
}

export function Run(props: {
  readonly device: string;
  readonly id: string;
  readonly mayAct: boolean;
}) {
  const { device: name, id, mayAct } = props;
  const params = { id: name };
  const device = useLive('GET /api/devices/{id}', [{ params }], 4_000);
  const runs = useLive('GET /api/devices/{id}/runs', [{ params, query: { run: id } }], 4_000);
  const run = runs.data?.runs[0];
  const normal = useEntries(device.data, 'normal', id);
  const urgent = useEntries(device.data, 'urgent', id);
  const entries = [...normal, ...urgent];
  const missing = (run?.entries ?? 0) - entries.length;
  return (
    <>
      <h1>
        {id} {run !== undefined && <State of={run.state} />}
      </h1>
      <ProblemNote problem={device.problem ?? runs.problem} />
      {runs.data !== undefined && run === undefined && (
        <p class="empty">No entry of this run has arrived from {name}.</p>
      )}
      {run !== undefined && (
        <Facts
          rows={[
            ['device', <a href={deviceAddress(name)}>{name}</a>],
            ['workflow', run.workflow],
            ['started', `${moment(run.startedAt)} (${ago(run.startedAt)})`],
            ['updated', ago(run.updatedAt)],
            ...(run.status === null ? [] : ([['says', short(run.status, 200)]] as const)),
          ]}
        />
      )}
      {run !== undefined && mayAct && <RunActions device={name} run={id} state={run.state} />}
      {run !== undefined && entries.length > 0 && (
        <RunTimeline
          isOver={isFinal(run.state)}
          entries={entries}
          actionsOf={({ op }) => mayAct && <ForkAction key={op} device={name} run={id} op={op} />}
        />
      )}
      {missing > 0 && entries.length > 0 && (
        <p class="empty">
          {missing} earlier entries are in the <a href={deviceAddress(name)}>journal</a> of the
          device.
        </p>
      )}
    </>
  );
}
