import { formatCount } from '../../protocol/web/format.ts';
import { ProblemNote, type Column } from '../../protocol/web/parts.tsx';
import { runColumns, RunTable } from '../../protocol/web/run-table.tsx';
import type { RunView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';

export const deviceAddress = (device: string): string => `#/devices/${encodeURIComponent(device)}`;

export const runAddress = ({ device, id }: Pick<RunView, 'device' | 'id'>): string =>
  `${deviceAddress(device)}/runs/${encodeURIComponent(id)}`;

/** Of runs of one device. */
export const ownRunColumns: readonly Column<RunView>[] = [
  ...runColumns<RunView>(runAddress),
  {
    title: 'Entries',
    cell: ({ entries }) => formatCount(entries),
    by: ({ entries }) => entries,
    isNumber: true,
    isWide: true,
  },
];

const fleetRunColumns = ownRunColumns.toSpliced(1, 0, {
  title: 'Device',
  cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a>,
  by: ({ device }) => device,
});

export function Runs() {
  const { data, problem } = useLive('GET /api/runs', [{ query: { limit: 1_000 } }], 5_000);
  return (
    <>
      <h1>Runs</h1>
      <ProblemNote problem={problem} />
      <p>The newest, as far as their entries have arrived.</p>
      <RunTable
        runs={data?.runs ?? []}
        columns={fleetRunColumns}
        empty={data === undefined ? 'Asking…' : 'No run yet.'}
      />
    </>
  );
}
