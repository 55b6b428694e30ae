import { moment, short } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { LogRow, LogsView } from '../src/core/kept-log.ts';
import { useLive } from './api.ts';

const LINES = 200;

const columns: readonly Column<LogRow>[] = [
  { title: 'When', cell: ({ at }) => moment(at) },
  { title: 'Says', cell: ({ level, message }) => (level === 'error' ? `✗ ${message}` : message) },
  { title: 'With', cell: ({ fields }) => <code>{fieldsText(fields)}</code>, isWide: true },
];

function fieldsText(fields: LogRow['fields']): string {
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${short(value, 120)}`);
  return short(texts.join(' '), 200);
}

/** What the agent has logged since it started, the newest first. */
export function AgentLog() {
  const { data, problem } = useLive<LogsView>(`logs?limit=${LINES}`);
  return (
    <>
      <ProblemNote problem={problem} />
      <Table
        label="Log of the agent"
        columns={columns}
        rows={(data?.lines ?? []).toReversed()}
        keyOf={({ n }) => String(n)}
        empty={data === undefined ? 'Asking…' : 'Nothing was logged.'}
      />
    </>
  );
}
