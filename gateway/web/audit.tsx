import { useState } from 'preact/hooks';
import { moment } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { AuditPageView, AuditView } from '../src/core/access/access-views.ts';
import { api, useLive } from './api.ts';
import { useAction } from './use-action.ts';

const columns: readonly Column<AuditView>[] = [
  { title: 'When', cell: ({ at }) => moment(at) },
  { title: 'Who', cell: ({ who }) => who },
  { title: 'Did', cell: ({ action }) => action },
  { title: 'To', cell: ({ target }) => target },
  {
    title: 'Outcome',
    cell: ({ outcome, code }) => (code === null ? outcome : `${outcome}: ${code}`),
  },
  { title: 'From', cell: ({ from }) => from, isWide: true },
];

/** What was changed, and by whom. */
export function Audit() {
  const { data, problem } = useLive('GET /api/audit', [{ query: { limit: 100 } }], 15_000);
  const [earlier, setEarlier] = useState<readonly AuditPageView[]>([]);
  const [run, failure] = useAction();
  const next = (earlier.at(-1) ?? data)?.next ?? null;
  const more = () =>
    run(async () => {
      const query = { limit: 100, before: next ?? undefined };
      const page = await api.ask('GET /api/audit', { query });
      setEarlier([...earlier, page]);
    });
  return (
    <section>
      <h2>Audit log</h2>
      <ProblemNote problem={failure ?? problem} />
      <Table
        label="Audit log"
        columns={columns}
        rows={[...(data?.records ?? []), ...earlier.flatMap(({ records }) => records)]}
        keyOf={({ id }) => id}
        empty="Nothing was changed yet."
      />
      {next !== null && (
        <button type="button" onClick={more}>
          Earlier
        </button>
      )}
    </section>
  );
}
