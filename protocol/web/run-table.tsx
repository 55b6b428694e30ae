import { useState } from 'preact/hooks';
import { ago, short } from './format.ts';
import { countBy, State, Tiles } from './parts.tsx';
import { Table, type Column } from './table.tsx';
import type { ShownRun } from './shown.ts';

/** The columns of runs that every page has. */
export function runColumns<R extends ShownRun>(
  addressOf: (run: R) => string,
): readonly Column<R>[] {
  return [
    { title: 'Run', cell: (run) => <a href={addressOf(run)}>{run.id}</a>, by: ({ id }) => id },
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
    { title: 'Why', cell: ({ why }) => short(why, 60), by: ({ why }) => why, isWide: true },
    { title: 'Says', cell: ({ status }) => short(status, 60), isWide: true },
  ];
}

/** Runs of one device, narrowed by their state. */
export function RunTable<R extends ShownRun>(props: {
  readonly runs: readonly R[];
  readonly columns: readonly Column<R>[];
  readonly empty: string;
}) {
  const { runs, columns, empty } = props;
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
