import { useState } from 'preact/hooks';
import { EntryTable } from '../../protocol/web/entry-table.tsx';
import { formatCount } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { valueNameOf, type ShownEntry } from '../../protocol/web/shown.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView, HoleView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { runAddress } from './runs.tsx';

const PAGE = 200;
type Lane = EntryView['lane'];

/** What an entry carries, whichever field of it that is. */
const values = ['result', 'output', 'input', 'payload', 'error', 'status', 'reason'] as const;

/** An entry of the ledger, as pages show it. */
export function shownEntry(entry: EntryView): ShownEntry {
  const { lane, seq, bytes, kind, receivedAt: arrivedAt } = entry;
  const valueName = values.find((name) => isSomething(entry[name]));
  return {
    ...{ lane, seq, kind, bytes, arrivedAt, isPending: false },
    at: textIn(entry, 'at') || null,
    ...{ run: textIn(entry, 'run'), name: textIn(entry, 'name') },
    ...{ n: numberIn(entry, 'n'), op: numberIn(entry, 'op') },
    ...{ attempt: numberIn(entry, 'attempt'), tookMs: numberIn(entry, 'tookMs') },
    value: valueName === undefined ? null : entry[valueName],
    ...{ valueIs: valueName === undefined ? '' : valueNameOf(kind ?? '') },
    uid: textIn(entry, 'uid'),
  };
}

function isSomething(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function textIn(entry: EntryView, field: string): string {
  const value = entry[field];
  return typeof value === 'string' ? value : '';
}

function numberIn(entry: EntryView, field: string): number {
  const value = entry[field];
  return typeof value === 'number' ? value : 0;
}

/** The journal of a device as it has arrived, the newest of a lane first. */
export function Entries({ device }: { readonly device: DeviceDetailView }) {
  const [lane, setLane] = useState<Lane>('normal');
  const watermark = device.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const [end, setEnd] = useState<number | undefined>();
  const last = end ?? watermark;
  const after = Math.max(0, last - PAGE);
  const asked = { params: { id: device.device }, query: { lane, after, limit: PAGE } };
  const { data, problem } = useLive('GET /api/devices/{id}/entries', [asked]);
  return (
    <>
      <ProblemNote problem={problem} />
      {(data?.holes ?? []).map((hole) => (
        <HoleNote key={hole.seqFirst} hole={hole} />
      ))}
      <EntryTable
        lane={lane}
        lanes={device.lanes.map((each) => each.lane)}
        entries={(data?.entries ?? []).map(shownEntry).toReversed()}
        empty={data === undefined ? 'Asking…' : 'Nothing has arrived in this lane.'}
        choose={(next) => {
          setLane(next);
          setEnd(undefined);
        }}
        earlier={after === 0 ? undefined : () => setEnd(after)}
        newest={end === undefined ? undefined : () => setEnd(undefined)}
        runAddress={(id) => runAddress({ device: device.device, id })}
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
