import { useState } from 'preact/hooks';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView, HoleView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { ago, formatBytes, formatCount, moment, short } from './format.ts';
import { ProblemNote, Table, type Column } from './parts.tsx';
import { runAddress } from './runs.tsx';

const PAGE = 200;
type Lane = EntryView['lane'];

/** What an entry carries, whichever field of it that is. */
export function valueOf(entry: EntryView): unknown {
  for (const name of ['result', 'output', 'input', 'payload', 'error', 'status', 'reason']) {
    const value = entry[name];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return null;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const columnsOf = (device: string): readonly Column<EntryView>[] => [
  { title: 'Seq', cell: ({ seq }) => formatCount(seq), by: ({ seq }) => seq, isNumber: true },
  { title: 'Happened', cell: (row) => moment(textOf(row['at']) || null) },
  { title: 'Arrived', cell: ({ receivedAt }) => ago(receivedAt), isNumber: true, isWide: true },
  {
    title: 'Kind',
    cell: ({ kind }) => kind ?? 'not known to this gateway',
    by: ({ kind }) => kind ?? '',
  },
  {
    title: 'Run',
    cell: (row) => {
      const id = textOf(row['run']);
      return id === '' ? '' : <a href={runAddress({ device, id })}>{id}</a>;
    },
    by: (row) => textOf(row['run']),
  },
  { title: 'Name', cell: (row) => textOf(row['name']) },
  { title: 'Size', cell: ({ bytes }) => formatBytes(bytes), isNumber: true, isWide: true },
  { title: 'Value', cell: (row) => <code>{short(valueOf(row), 60)}</code>, isWide: true },
];

/** The journal of a device as it has arrived, the newest of a lane first. */
export function Entries({ device }: { readonly device: DeviceDetailView }) {
  const [lane, setLane] = useState<Lane>('normal');
  const watermark = device.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const [end, setEnd] = useState<number | undefined>();
  const last = end ?? watermark;
  const after = Math.max(0, last - PAGE);
  const asked = { params: { id: device.device }, query: { lane, after, limit: PAGE } };
  const { data, problem } = useLive('GET /api/devices/{id}/entries', [asked]);
  const rows = (data?.entries ?? []).toReversed();
  const choose = (next: Lane) => {
    setLane(next);
    setEnd(undefined);
  };
  return (
    <>
      <ProblemNote problem={problem} />
      <p>
        <label>
          Lane{' '}
          <select value={lane} onChange={(e) => choose(e.currentTarget.value as Lane)}>
            {device.lanes.map((each) => (
              <option value={each.lane}>{each.lane}</option>
            ))}
          </select>
        </label>{' '}
        <button type="button" disabled={after === 0} onClick={() => setEnd(after)}>
          Earlier
        </button>{' '}
        <button type="button" disabled={end === undefined} onClick={() => setEnd(undefined)}>
          Newest
        </button>
      </p>
      {(data?.holes ?? []).map((hole) => (
        <HoleNote hole={hole} />
      ))}
      <Table
        label={`Entries of lane ${lane}`}
        columns={columnsOf(device.device)}
        rows={rows}
        keyOf={({ seq }) => String(seq)}
        empty={data === undefined ? 'Asking…' : 'Nothing has arrived in this lane.'}
      />
    </>
  );
}

function HoleNote({ hole }: { readonly hole: HoleView }) {
  const { seqFirst, seqLast, reason } = hole;
  const count = seqLast - seqFirst + 1;
  return (
    <p class="note watch">
      {formatCount(count)} {count === 1 ? 'entry' : 'entries'} from {formatCount(seqFirst)} will
      never come: {reason}.
    </p>
  );
}
