import { ago, short } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { DeviceView } from '../src/core/device-views.ts';
import type { DeviceCommandView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { outcomeWords } from './command-words.ts';
import { runAddress } from './runs.tsx';

type About = Pick<DeviceView, 'device' | 'state' | 'lastSeenAt'>;

function columnsOf({ device, state, lastSeenAt }: About): readonly Column<DeviceCommandView>[] {
  const offlineSince = state === 'offline' ? lastSeenAt : null;
  return [
    {
      title: 'Command',
      cell: ({ id, kind }) => <a href={`#/commands/${encodeURIComponent(id)}`}>{kind}</a>,
    },
    {
      title: 'Outcome',
      cell: ({ outcome, reason }) =>
        `${outcomeWords(outcome, offlineSince)}${reason === '' ? '' : `: ${short(reason, 80)}`}`,
    },
    {
      title: 'Run',
      cell: ({ run }) => run !== null && <a href={runAddress({ device, id: run })}>{run}</a>,
    },
    { title: 'Name', cell: ({ name }) => short(name, 40) },
    { title: 'Issued', cell: ({ issuedAt }) => ago(issuedAt), isNumber: true, isWide: true },
    { title: 'Expires', cell: ({ expiresAt }) => ago(expiresAt), isNumber: true, isWide: true },
    { title: 'By', cell: ({ by }) => by, isWide: true },
  ];
}

const LIMIT = 200;

function useCommands(device: string) {
  const asked = { params: { id: device }, query: { limit: LIMIT } };
  return useLive('GET /api/devices/{id}/commands', [asked], 3_000);
}

/** What a device was told to do, and what became of it. */
export function DeviceCommands({ of }: { readonly of: About }) {
  const { data, problem } = useCommands(of.device);
  return (
    <section>
      <h2>What it was told</h2>
      <ProblemNote problem={problem} />
      <Table
        label="Commands of this device"
        columns={columnsOf(of)}
        rows={data?.commands ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'It was told nothing yet.'}
      />
    </section>
  );
}

/** The newest command of each setting. */
function settingsOf(commands: readonly DeviceCommandView[]): readonly DeviceCommandView[] {
  const byName = new Map<string, DeviceCommandView>();
  for (const command of commands.toReversed()) {
    if (command.kind === 'config.set') byName.set(command.name ?? '', command);
  }
  return [...byName.values()];
}

function settingColumns({ state, lastSeenAt }: About): readonly Column<DeviceCommandView>[] {
  const offlineSince = state === 'offline' ? lastSeenAt : null;
  return [
    { title: 'Setting', cell: ({ name }) => name, by: ({ name }) => name ?? '' },
    {
      title: 'Value',
      cell: ({ payload }) =>
        payload === null ? 'taken away' : <code>{short(JSON.stringify(payload), 80)}</code>,
    },
    { title: 'On the device', cell: ({ outcome }) => outcomeWords(outcome, offlineSince) },
    { title: 'Issued', cell: ({ issuedAt }) => ago(issuedAt), isNumber: true },
    { title: 'By', cell: ({ by }) => by, isWide: true },
  ];
}

/** The settings that a device was given from here. */
export function DeviceSettings({ of }: { readonly of: About }) {
  const { data, problem } = useCommands(of.device);
  return (
    <>
      <ProblemNote problem={problem} />
      <Table
        label="Settings of this device"
        columns={settingColumns(of)}
        rows={settingsOf(data?.commands ?? [])}
        keyOf={({ name }) => name ?? ''}
        empty={data === undefined ? 'Asking…' : 'It was given no setting from here.'}
      />
      <p class="empty">
        As its newest {LIMIT} commands say; how its agent was started, <code>holdfast config
        list</code> tells on the device.
      </p>
    </>
  );
}
