import { useMemo } from 'preact/hooks';
import { ago, formatCount, formatDuration, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote, State } from '../../protocol/web/parts.tsx';
import type { DeviceShown } from '../../protocol/web/device-page.tsx';
import { RunTimeline } from '../../protocol/web/run-timeline.tsx';
import { isFinal, reasonText, type ShownEntry } from '../../protocol/web/shown.ts';
import type { RunView } from '../src/core/fleet-views.ts';
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
  const entries = useMemo(
    () => [...normal.entries, ...urgent.entries],
    [normal.entries, urgent.entries],
  );
  const isAsking = normal.isAsking || urgent.isAsking;
  const missing = (run?.entries ?? 0) - entries.length;
  return (
    <>
      <h1>
        <bdi>{id}</bdi> {run !== undefined && <State of={run.state} />}
      </h1>
      <ProblemNote problem={device.problem ?? runs.problem} />
      {runs.data !== undefined && run === undefined && (
        <p class="empty">No entry of this run has arrived from {name}.</p>
      )}
      {run === undefined && runs.data === undefined && runs.problem === undefined && (
        <p class="empty">Asking…</p>
      )}
      {run !== undefined && <Facts rows={factsOf(run)} />}
      {run !== undefined && mayAct && <RunActions device={name} run={id} state={run.state} />}
      {run !== undefined && entries.length > 0 && (
        <RunTimeline
          isOver={isFinal(run.state)}
          entries={entries}
          valueAddress={(entry) => valueAddress(name, entry)}
          actionsOf={({ op }) => mayAct && <ForkAction key={op} device={name} run={id} op={op} />}
        />
      )}
      {missing > 0 && isAsking && (
        <p class="empty" role="status">
          {formatCount(entries.length)} of {formatCount(run?.entries ?? 0)} entries are here; asking
          for the others…
        </p>
      )}
      {missing > 0 && !isAsking && (
        <p class="empty">
          {formatCount(missing)} entries of it are not shown here; they are in the{' '}
          <a href={deviceAddress(name)}>journal</a> of the device.
        </p>
      )}
    </>
  );
}

function factsOf(run: RunView): DeviceShown['facts'] {
  const { device, workflow, state, startedAt, updatedAt, status } = run;
  const why = reasonText(run.reason);
  return [
    ['device', <a href={deviceAddress(device)}>{device}</a>],
    ['workflow', workflow],
    ...(why === '' ? [] : ([['why', why]] as const)),
    ['started', `${moment(startedAt)} (${ago(startedAt)})`],
    isFinal(state) ? ['took', tookText(startedAt, updatedAt)] : ['updated', ago(updatedAt)],
    ...(status === null ? [] : ([['says', short(status, 200)]] as const)),
  ];
}

function tookText(startedAt: string | null, endedAt: string | null): string {
  if (startedAt === null || endedAt === null) return 'not known';
  const ms = Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
  return `${formatDuration(ms)}, until ${moment(endedAt)}`;
}

/** Where the whole value of an entry is. */
function valueAddress(device: string, { lane, seq }: ShownEntry): string {
  return `api/devices/${encodeURIComponent(device)}/value?lane=${lane}&seq=${seq}`;
}
