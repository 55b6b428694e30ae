import { short } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { SettingsView } from '../src/core/views.ts';
import { useLive } from './api.ts';

type Setting = SettingsView['settings'][number];

const columns: readonly Column<Setting>[] = [
  { title: 'Setting', cell: ({ name }) => name, by: ({ name }) => name },
  { title: 'Value', cell: ({ value }) => <code>{short(JSON.stringify(value), 120)}</code> },
];

/** What the gateway has set on this device. */
export function Settings() {
  const { data, problem } = useLive<SettingsView>('settings');
  return (
    <>
      <ProblemNote problem={problem} />
      <Table
        label="Settings of this device"
        columns={columns}
        rows={data?.settings ?? []}
        keyOf={({ name }) => name}
        empty={data === undefined ? 'Asking…' : 'The gateway has set nothing.'}
      />
      <p class="empty">
        How the agent was started: <code>holdfast config list</code>.
      </p>
    </>
  );
}
