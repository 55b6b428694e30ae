import { useState } from 'preact/hooks';
import { formatBytes, moment, short } from '../../protocol/web/format.ts';
import { PageButtons, usePages } from '../../protocol/web/pages.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { AnswerOf } from '../src/client/client.ts';
import { useLive } from './api.ts';
import { shownEntry } from './entries.tsx';
import { deviceAddress, runAddress } from './runs.tsx';

type Found = AnswerOf<'GET /api/export/page'>['records'][number];

const columns: readonly Column<Found>[] = [
  {
    title: 'Device',
    cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a>,
  },
  { title: 'Entry', cell: ({ lane, seq }) => `${lane} ${seq}`, isWide: true },
  { title: 'Happened', cell: (entry) => moment(shownEntry(entry).at) },
  { title: 'Kind', cell: ({ kind }) => kind ?? 'not known here' },
  { title: 'Run', cell: runOf },
  { title: 'Size', cell: ({ bytes }) => formatBytes(bytes), isNumber: true, isWide: true },
  { title: 'Value', cell: (entry) => <code>{short(shownEntry(entry).value, 60)}</code> },
];

function runOf(entry: Found) {
  const { run } = shownEntry(entry);
  return run === '' ? '' : <a href={runAddress({ device: entry.device, id: run })}>{run}</a>;
}

const fields = ['device', 'workflow', 'kind'] as const;
type Filter = Partial<Readonly<Record<(typeof fields)[number], string[]>>>;

/** Entries of all devices, narrowed; what is found can be taken along. */
export function LedgerEntries() {
  const [filter, setFilter] = useState<Filter>({});
  const pages = usePages();
  const query = { ...filter, after: pages.start };
  const { data, problem } = useLive('GET /api/export/page', [{ query }], 10_000);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setFilter(filterOf(new FormData(event.currentTarget as HTMLFormElement)));
    pages.reset();
  };
  return (
    <section>
      <h2>Entries</h2>
      <ProblemNote problem={problem} />
      <form onSubmit={submit}>
        {fields.map((field) => (
          <label key={field}>
            {`${field.charAt(0).toUpperCase()}${field.slice(1)}`}{' '}
            <input name={field} autocomplete="off" maxLength={128} />
          </label>
        ))}
        <button>Find entries</button>
      </form>
      <Table
        label="Entries of all devices"
        columns={columns}
        rows={data?.records ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'No entry is like this.'}
      />
      <p class="actions">
        <PageButtons pages={pages} next={data?.next ?? null} />
        {(['ndjson', 'csv'] as const).map((format) => (
          <a
            key={format}
            href={exportAddress(filter, format)}
            download={`entries.${format}`}
          >
            All of these as {format.toUpperCase()}
          </a>
        ))}
      </p>
    </section>
  );
}

function exportAddress(filter: Filter, format: string): string {
  const query = new URLSearchParams({ format });
  for (const field of fields) for (const each of filter[field] ?? []) query.append(field, each);
  return `api/export?${query}`;
}

function filterOf(form: FormData): Filter {
  const given = fields.flatMap((field) => {
    const value = form.get(field);
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' ? [] : [[field, [text]] as const];
  });
  return Object.fromEntries(given);
}
