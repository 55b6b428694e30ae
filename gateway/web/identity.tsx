import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { ago, moment } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { DeviceDetailView, EpochView, KeyView } from '../src/core/device-views.ts';
import { api } from './api.ts';
import { useAction } from './use-action.ts';

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
export function Identity(props: { readonly of: DeviceDetailView; readonly role: string }) {
  const { of: device, role } = props;
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
      {role === 'admin' && <Revoke device={device.device} />}
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

/** For a device that is lost: nothing of it counts from then on. */
function Revoke({ device }: { readonly device: string }) {
  const [run, problem, isBusy] = useAction();
  const [isDone, setDone] = useState(false);
  const revoke = () =>
    run(async () => {
      await api.ask('POST /api/devices/{id}/revoke', { params: { id: device } });
      setDone(true);
    });
  return (
    <>
      <p class="actions">
        <ConfirmButton
          title="Revoke this device"
          sure="Take nothing from it any more"
          disabled={isBusy}
          act={revoke}
        />
      </p>
      <ProblemNote problem={problem} />
      {isDone && (
        <p class="note good" role="status">
          Nothing of {device} counts any more. It comes back by <a href="#/enrolment">enrolment</a>.
        </p>
      )}
    </>
  );
}
