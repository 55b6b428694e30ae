import { DevicePage, type DeviceShown } from '../../protocol/web/device-page.tsx';
import { ago, aheadText, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { RunTable } from '../../protocol/web/run-table.tsx';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import { useLive } from './api.ts';
import { DeviceBacklog } from './backlog.tsx';
import { Entries } from './entries.tsx';
import { backlogText } from './fleet.tsx';
import { Identity } from './identity.tsx';
import { OrderForm } from './order-form.tsx';
import { ownRunColumns } from './runs.tsx';

/** Below, a clock and a link tell the same. */
const CLOCK_OFF_MS = 2_000;

export function Device({ id, role }: { readonly id: string; readonly role: string }) {
  const { data, problem } = useLive('GET /api/devices/{id}', [{ params: { id } }]);
  return (
    <DevicePage
      {...{ id, problem, state: data?.state }}
      notes={data !== undefined && data.refusal !== null && <Refusal of={data.refusal} />}
      facts={data === undefined ? [] : factsOf(data)}
      graph={data !== undefined && <DeviceBacklog id={id} />}
      tabs={[
        { title: 'Runs', show: () => <DeviceRuns id={id} /> },
        { title: 'Journal', show: () => data !== undefined && <Entries device={data} /> },
        { title: 'Commands', show: () => <Orders id={id} mayAct={role !== 'viewer'} /> },
        { title: 'Identity', show: () => data !== undefined && <Identity of={data} role={role} /> },
      ]}
    />
  );
}

function Refusal({ of: { why, code } }: { readonly of: { why: string; code: string } }) {
  return (
    <p class="note bad">
      <strong>{why}</strong> <code>{code}</code>
    </p>
  );
}

function factsOf(device: DeviceDetailView): DeviceShown['facts'] {
  const { holes, clockAheadMs, lanes, tags } = device;
  const arrived = lanes.map(({ lane, watermark }) => `${lane} ${formatCount(watermark)}`);
  const facts: [string, string][] = [
    ['backlog', backlogWords(device)],
    ['arrived', arrived.join(' · ')],
    ['last seen', ago(device.lastSeenAt)],
    ['last ack', ago(device.lastAckAt)],
  ];
  if (holes.entries > 0) {
    facts.push(['holes', `${formatCount(holes.entries)} entries will never come`]);
  }
  if (clockAheadMs !== null && Math.abs(clockAheadMs) > CLOCK_OFF_MS) {
    facts.push(['clock', `${aheadText(clockAheadMs)}; times are corrected`]);
  }
  if (Object.keys(tags).length > 0) facts.push(['tags', tagsText(tags)]);
  return [
    ...facts,
    ['agent', device.agentVersion ?? '–'],
    ['epoch', formatCount(device.epoch)],
  ];
}

function backlogWords(device: DeviceDetailView): string {
  const { backlog } = device;
  if (backlog === null) return 'not reported since this gateway started';
  const { bytes, reportedAt } = backlog;
  const asOf = `as of ${ago(reportedAt)}`;
  return `${backlogText(device)} entries (${formatBytes(bytes)}), ${asOf}`;
}

function Orders({ id, mayAct }: { readonly id: string; readonly mayAct: boolean }) {
  if (mayAct) return <OrderForm device={id} />;
  return <p class="empty">Commands take the role operator.</p>;
}

function DeviceRuns({ id }: { readonly id: string }) {
  const asked = { params: { id }, query: { limit: 1_000 } };
  const { data, problem } = useLive('GET /api/devices/{id}/runs', [asked], 4_000);
  return (
    <>
      <ProblemNote problem={problem} />
      <RunTable
        runs={data?.runs ?? []}
        columns={ownRunColumns}
        empty={data === undefined ? 'Asking…' : 'No run yet.'}
      />
    </>
  );
}

function tagsText(tags: DeviceDetailView['tags']): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
