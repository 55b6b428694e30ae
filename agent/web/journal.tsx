import { useState } from 'preact/hooks';
import { EntryTable } from '../../protocol/web/entry-table.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { ShownEntry } from '../../protocol/web/shown.ts';
import type { JournalRow, JournalView, LaneBacklog } from '../src/core/views.ts';
import { useLive } from './api.ts';
import { runAddress } from './runs.tsx';

const PAGE = 200;

function shownRow(row: JournalRow): ShownEntry {
  const { lane, seq, kind, at, synced, run, name, bytes, value } = row;
  return {
    ...{ lane, seq, kind, at, arrivedAt: null, isPending: !synced, bytes, value },
    ...{ run: run ?? '', name: name ?? '', n: 0, op: 0, attempt: 0, tookMs: 0 },
    ...{ valueIs: '', uid: '' },
  };
}

/** The journal of this device, the newest of a lane first. */
export function Journal({ lanes }: { readonly lanes: readonly LaneBacklog[] }) {
  const [lane, setLane] = useState<LaneBacklog['lane']>('normal');
  const [end, setEnd] = useState<number | undefined>();
  const head = lanes.find((each) => each.lane === lane)?.head ?? 0;
  const after = Math.max(0, (end ?? head) - PAGE);
  const path = `journal?lane=${lane}&after=${after}&limit=${PAGE}`;
  const { data, problem } = useLive<JournalView>(path);
  return (
    <>
      <ProblemNote problem={problem} />
      <EntryTable
        lane={lane}
        lanes={lanes.map((each) => each.lane)}
        entries={(data?.rows ?? []).map(shownRow).toReversed()}
        empty={data === undefined ? 'Asking…' : 'Nothing is journaled in this lane.'}
        choose={(next) => {
          setLane(next);
          setEnd(undefined);
        }}
        earlier={after === 0 ? undefined : () => setEnd(after)}
        newest={end === undefined ? undefined : () => setEnd(undefined)}
        runAddress={runAddress}
      />
    </>
  );
}
