import { ago, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { CommandDevicesView, CommandProgress } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { outcomeWords, progressWords } from './command-words.ts';
import { deviceAddress } from './runs.tsx';

const columns: readonly Column<CommandProgress>[] = [
  { title: 'Command', cell: ({ id, kind }) => <a href={`#/commands/${id}`}>{kind}</a> },
  { title: 'For', cell: ({ to }) => to },
  { title: 'So far', cell: progressWords },
  { title: 'Run', cell: ({ run }) => run ?? '', isWide: true },
  { title: 'Issued', cell: ({ issuedAt }) => ago(issuedAt), isNumber: true, isWide: true },
  { title: 'Expires', cell: ({ expiresAt }) => ago(expiresAt), isNumber: true, isWide: true },
  { title: 'By', cell: ({ by }) => by, isWide: true },
];

export function Commands() {
  const { data, problem } = useLive('GET /api/commands', [{ query: { limit: 200 } }], 3_000);
  return (
    <>
      <h1>Commands</h1>
      <ProblemNote problem={problem} />
      <p>
        What devices were told to do. One that is offline applies it when it is back, or not at all.
      </p>
      <Table
        label="Commands"
        columns={columns}
        rows={data?.commands ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'No command yet.'}
      />
    </>
  );
}

type OnDevice = CommandDevicesView['devices'][number];
const deviceColumns: readonly Column<OnDevice>[] = [
  { title: 'Device', cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a> },
  {
    title: 'Outcome',
    cell: ({ outcome, offlineSince }) => outcomeWords(outcome, offlineSince),
    by: ({ outcome }) => outcome,
  },
  { title: 'Why', cell: ({ reason }) => reason },
  { title: 'Receipt', cell: ({ settledAt }) => ago(settledAt), isNumber: true },
];

export function Command({ id }: { readonly id: string }) {
  const { data, problem } = useLive('GET /api/commands/{id}', [{ params: { id } }]);
  const asked = { params: { id }, query: { limit: 1_000 } };
  const devices = useLive('GET /api/commands/{id}/devices', [asked], 3_000);
  return (
    <>
      <h1>{data?.kind ?? 'Command'}</h1>
      <ProblemNote problem={problem ?? devices.problem} />
      {data !== undefined && (
        <Facts
          rows={[
            ['id', id],
            ['for', data.to],
            ...(data.run === null ? [] : ([['run', data.run]] as const)),
            ...(data.name === null ? [] : ([['name', data.name]] as const)),
            ['so far', progressWords(data)],
            ['issued', `${moment(data.issuedAt)} by ${data.by}`],
            ['expires', data.expiresAt === null ? 'never' : moment(data.expiresAt)],
            ...(data.payload === null ? [] : ([['brings', short(data.payload, 400)]] as const)),
          ]}
        />
      )}
      <Table
        label="Devices of this command"
        columns={deviceColumns}
        rows={devices.data?.devices ?? []}
        keyOf={({ device }) => device}
        empty={devices.data === undefined ? 'Asking…' : 'It was issued to no device.'}
      />
    </>
  );
}
