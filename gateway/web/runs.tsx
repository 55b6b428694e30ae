import { useState } from 'preact/hooks';
import type { RunView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { ago, formatCount, short } from './format.ts';
import { countBy, ProblemNote, State, Table, Tiles, type Column } from './parts.tsx';

export const runAddress = ({ device, id }: Pick<RunView, 'device' | 'id'>): string =>
  `#/devices/${device}/runs/${encodeURIComponent(id)}`;

const columns: readonly Column<RunView>[] = [
  { title: 'Run', cell: (row) => <a href={runAddress(row)}>{row.id}</a>, by: ({ id }) => id },
  {
    title: 'Device',
    cell: ({ device }) => <a href={`#/devices/${device}`}>{device}</a>,
    by: ({ device }) => device,
  },
  { title: 'Workflow', cell: ({ workflow }) => workflow, by: ({ workflow }) => workflow },
  { title: 'State', cell: ({ state }) => <State of={state} />, by: ({ state }) => state },
  {
    title: 'Updated',
    cell: ({ updatedAt }) => ago(updatedAt),
    by: ({ updatedAt }) => updatedAt ?? '',
    isNumber: true,
  },
  {
    title: 'Started',
    cell: ({ startedAt }) => ago(startedAt),
    by: ({ startedAt }) => startedAt ?? '',
    isNumber: true,
    isWide: true,
  },
  {
    title: 'Entries',
    cell: ({ entries }) => formatCount(entries),
    by: ({ entries }) => entries,
    isNumber: true,
    isWide: true,
  },
  { title: 'Says', cell: ({ status }) => short(status, 60), isWide: true },
];

export function RunTable({
  runs,
  empty,
}: {
  readonly runs: readonly RunView[];
  readonly empty: string;
}) {
  const [state, setState] = useState<string | undefined>();
  const rows = runs.filter((each) => state === undefined || each.state === state);
  return (
    <>
      <Tiles
        label="Runs by state"
        counts={countBy(runs, (each) => each.state)}
        chosen={state}
        choose={setState}
      />
      <Table
        label="Runs"
        columns={columns}
        rows={rows}
        keyOf={({ device, id }) => `${device} ${id}`}
        empty={empty}
      />
    </>
  );
}

export function Runs() {
  const { data, problem } = useLive('GET /api/runs', [{ query: { limit: 1_000 } }], 5_000);
  return (
    <>
      <h1>Runs</h1>
      <ProblemNote problem={problem} />
      <p>The newest, as far as their entries have arrived.</p>
      <RunTable runs={data?.runs ?? []} empty={data === undefined ? 'Asking…' : 'No run yet.'} />
    </>
  );
}
