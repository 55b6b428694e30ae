import { ago, moment } from '../../protocol/web/format.ts';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { DeviceDetailView, EpochView, KeyView } from '../src/core/device-views.ts';

const keyColumns: readonly Column<KeyView>[] = [
  { title: 'Key', cell: ({ key }) => <code>{key}</code> },
  { title: 'Since', cell: ({ since }) => (since === null ? 'not used yet' : moment(since)) },
  {
    title: 'State',
    cell: ({ revokedAt }) => (revokedAt === null ? 'counts' : `revoked ${ago(revokedAt)}`),
  },
  {
    title: 'Certificate',
    cell: ({ certificateTo }) => (certificateTo === null ? 'none' : `ends ${ago(certificateTo)}`),
    isWide: true,
  },
];

const lifeColumns: readonly Column<EpochView>[] = [
  { title: 'Epoch', cell: ({ epoch }) => epoch },
  { title: 'Began', cell: ({ beganAt }) => moment(beganAt) },
  { title: 'Cause', cell: ({ cause, why }) => (cause === null ? 'the first' : `${cause}: ${why}`) },
];

/** By what a device is known, and how often its journal began anew. */
export function Identity({ of: device }: { readonly of: DeviceDetailView }) {
  return (
    <>
      <h2>Keys</h2>
      <Table
        label="Keys"
        columns={keyColumns}
        rows={device.keys}
        keyOf={({ key }) => key}
        empty="It has shown no key yet."
      />
      <h2>Lives of its journal</h2>
      <Table
        label="Lives of its journal"
        columns={lifeColumns}
        rows={device.epochs}
        keyOf={({ epoch }) => String(epoch)}
        empty="Nothing of it has arrived yet."
      />
    </>
  );
}
