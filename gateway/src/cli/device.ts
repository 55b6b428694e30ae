import { formatCount, type Column } from '@holdfast/protocol';
import type { DeviceDetailView, EpochView } from '../core/device-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';
import { watch, type WatchFlag } from './watch.ts';

/** Shows one device, with every life of its journal. */
export async function showDevice(
  device: string,
  options: SourceOptions & { readonly watch?: WatchFlag },
  terminal: Terminal,
): Promise<void> {
  const read = () => withFleet(options, (fleet) => fleet.device(device));
  if (options.watch !== undefined)
    return watch(terminal, options.watch, { read, text: deviceText });
  const view = await read();
  show(terminal, view, () => deviceText(view, terminal));
}

const columns: readonly Column[] = [
  { title: 'epoch', align: 'right' },
  { title: 'since' },
  { title: 'began' },
  { title: 'urgent', align: 'right' },
  { title: 'normal', align: 'right' },
  { title: 'bulk', align: 'right' },
  { title: 'machine', drop: 1 },
  { title: 'why', drop: 2, cutTo: 16 },
];

const WHY_LENGTH = 80;

function deviceText(view: DeviceDetailView, terminal: Terminal): string {
  const count = formatCount(view.epochs.length);
  const lives =
    view.epochs.length === 1 ? '1 life of its journal' : `${count} lives of its journal`;
  const isHeard = view.state !== 'unknown';
  const how = isHeard ? `is ${view.state}` : 'was not heard since the start';
  return [
    `${view.device} ${how}, in epoch ${view.epoch}: ${lives}.`,
    table(terminal, columns, view.epochs.map(epochRow)),
    ...keyText(view),
    ...certificateText(view),
    `Entries of an epoch: holdfast-gateway ledger entries --device ${view.device} --epoch N`,
  ].join('\n');
}

/** What a person at the device compares. */
function keyText({ keys }: DeviceDetailView): readonly string[] {
  const last = keys.findLast(({ revokedAt, since }) => revokedAt === null && since !== null);
  const next = keys.findLast(({ revokedAt, since }) => revokedAt === null && since === null);
  const day = last?.since?.slice(0, 10) ?? '';
  return [
    ...(last === undefined ? [] : [`It is known by key ${last.key}, since ${day}.`]),
    ...(next === undefined ? [] : [`Key ${next.key} counts once it greets with that.`]),
  ];
}

function certificateText({ keys }: DeviceDetailView): readonly string[] {
  const known = keys.findLast(({ revokedAt, since }) => revokedAt === null && since !== null);
  const to = known?.certificateTo ?? '';
  return to === '' ? [] : [`Its certificate is valid to ${to}.`];
}

function epochRow(life: EpochView): string[] {
  const { epoch, beganAt, cause, oldEpoch, machine, why } = life;
  const from = oldEpoch === null ? '' : ` from ${oldEpoch}`;
  return [
    String(epoch),
    (beganAt ?? '-').slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' '),
    cause === null ? (oldEpoch === null ? 'first' : `untold${from}`) : `${cause}${from}`,
    ...life.lanes.map(({ watermark }) => formatCount(watermark)),
    machine?.slice(0, 8) ?? '-',
    why.slice(0, WHY_LENGTH) || '-',
  ];
}
