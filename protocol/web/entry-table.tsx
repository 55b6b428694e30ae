import type { Lane } from '@holdfast/protocol';
import { ago, formatBytes, formatCount, moment, short } from './format.ts';
import { Table, type Column } from './table.tsx';
import type { ShownEntry } from './shown.ts';

export interface EntryPage {
  readonly lane: Lane;
  readonly lanes: readonly Lane[];
  /** The newest first. */
  readonly entries: readonly ShownEntry[];
  readonly empty: string;
  readonly choose: (lane: Lane) => void;
  /** `undefined`: there are none. */
  readonly earlier: (() => void) | undefined;
  /** `undefined`: these are the newest. */
  readonly newest: (() => void) | undefined;
  readonly runAddress: (run: string) => string;
}

/** A page of one lane of a journal. */
export function EntryTable(page: EntryPage) {
  const { lane, lanes, entries, empty, choose, earlier, newest } = page;
  return (
    <>
      <p>
        <label>
          Lane{' '}
          <select
            value={lane}
            onChange={({ currentTarget }) => choose(currentTarget.value as Lane)}
          >
            {lanes.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>{' '}
        <button type="button" disabled={earlier === undefined} onClick={earlier}>
          Earlier
        </button>{' '}
        <button type="button" disabled={newest === undefined} onClick={newest}>
          Newest
        </button>
      </p>
      <Table
        label={`Entries of lane ${lane}`}
        columns={columnsOf(page)}
        rows={entries}
        keyOf={({ seq }) => String(seq)}
        empty={empty}
      />
    </>
  );
}

function columnsOf({ runAddress }: EntryPage): readonly Column<ShownEntry>[] {
  return [
    { title: 'Seq', cell: ({ seq }) => formatCount(seq), by: ({ seq }) => seq, isNumber: true },
    { title: 'Happened', cell: ({ at }) => moment(at) },
    { title: 'Arrived', cell: arrival, isNumber: true, isWide: true },
    { title: 'Kind', cell: ({ kind }) => kind ?? 'not known here', by: ({ kind }) => kind ?? '' },
    {
      title: 'Run',
      cell: ({ run }) => (run === '' ? '' : <a href={runAddress(run)}>{run}</a>),
      by: ({ run }) => run,
    },
    { title: 'Name', cell: ({ name }) => name },
    {
      title: 'Size',
      cell: ({ bytes }) => (bytes === null ? '' : formatBytes(bytes)),
      isNumber: true,
      isWide: true,
    },
    { title: 'Value', cell: ({ value }) => <code>{short(value, 60)}</code>, isWide: true },
  ];
}

function arrival({ isPending, arrivedAt }: ShownEntry): string {
  if (isPending) return 'not yet';
  return arrivedAt === null ? '✓' : ago(arrivedAt);
}
