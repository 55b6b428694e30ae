import { ago, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote, State } from '../../protocol/web/parts.tsx';
import { RunTimeline } from '../../protocol/web/run-timeline.tsx';
import { isFinal } from '../../protocol/web/shown.ts';
import { useLive } from './api.ts';
import { ForkAction, RunActions } from './run-actions.tsx';
import { useRunEntries } from './run-entries.ts';
import { deviceAddress } from './runs.tsx';

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
  const normal = useRunEntries(device.data, 'normal', run);
  const urgent = useRunEntries(device.data, 'urgent', run);
  const entries = [...(normal ?? []), ...(urgent ?? [])];
  const isAsking = normal === undefined || urgent === undefined;
  const missing = isAsking ? 0 : (run?.entries ?? 0) - entries.length;
  return (
    <>
      <h1>
        <bdi>{id}</bdi> {run !== undefined && <State of={run.state} />}
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
      {missing > 0 && (
        <p class="empty">
          {missing} entries of it are not shown here; they are in the{' '}
          <a href={deviceAddress(name)}>journal</a> of the device.
        </p>
      )}
    </>
  );
}
