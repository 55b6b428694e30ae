import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { Column } from '../../protocol/web/table.tsx';
import { runColumns, RunTable } from '../../protocol/web/run-table.tsx';
import { reasonText, type ShownRun } from '../../protocol/web/shown.ts';
import type { RunsView, RunView } from '../src/core/views.ts';
import { useLive } from './api.ts';

export const runAddress = (id: string): string => `#/runs/${encodeURIComponent(id)}`;

/** The newest; commands show the others. */
const RUNS_SHOWN = 1_000;

interface OwnRun extends ShownRun, Pick<RunView, 'at' | 'attempt'> {}

const at: Column<OwnRun> = {
  title: 'At',
  cell: ({ at: step, attempt }) => `${step ?? ''}${attempt > 1 ? `, try ${attempt}` : ''}`,
};
const columns = runColumns<OwnRun>(({ id }) => runAddress(id)).toSpliced(3, 0, at);

function whyOf({ state, at: step, error }: RunView): string {
  if (state !== 'failed' && state !== 'stuck') return '';
  const code = error === undefined ? null : (error.code ?? error.name);
  return reasonText({ code, step });
}

export function Runs() {
  const { data, problem } = useLive<RunsView>(`runs?all=1&limit=${RUNS_SHOWN}`);
  const device = data?.device ?? '';
  const runs = (data?.runs ?? []).map((run) => ({ ...run, device, why: whyOf(run) }));
  return (
    <>
      <ProblemNote problem={problem} />
      <RunTable
        runs={runs}
        columns={columns}
        empty={data === undefined ? 'Asking…' : 'No run yet.'}
      />
    </>
  );
}
