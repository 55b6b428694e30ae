import { useState } from 'preact/hooks';
import { DevicePage, type DeviceShown } from '../../protocol/web/device-page.tsx';
import { ago, aheadText, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { LaneTable } from '../../protocol/web/lane-table.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { RunTable } from '../../protocol/web/run-table.tsx';
import type { DeviceBacklogView } from '../src/core/backlog/backlog-views.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import { useLive } from './api.ts';
import { DeviceBacklog } from './backlog.tsx';
import { Connectivity } from './connectivity.tsx';
import { DeviceActions } from './device-actions.tsx';
import { DeviceCommands, DeviceSettings } from './device-commands.tsx';
import { DeviceLog } from './device-log.tsx';
import { Entries } from './entries.tsx';
import { backlogText } from './fleet-columns.tsx';
import { Identity } from './identity.tsx';
import { emptyDraft, OrderForm } from './order-form.tsx';
import { ownRunColumns, shownRun } from './runs.tsx';

/** Below, a clock and a link tell the same. */
const CLOCK_OFF_MS = 2_000;

export function Device({ id, role }: { readonly id: string; readonly role: string }) {
  const params = { id };
  const { data, problem, refresh } = useLive('GET /api/devices/{id}', [{ params }]);
  const backlog = useLive('GET /api/devices/{id}/backlog', [{ params }]);
  const [draft, setDraft] = useState(emptyDraft);
  const orders =
    role === 'viewer' ? (
      <p class="empty">Commands take the role operator.</p>
    ) : (
      <OrderForm device={id} {...{ draft, setDraft }} />
    );
  return (
    <DevicePage
      {...{ id, problem, state: data?.state }}
      notes={data !== undefined && data.refusal !== null && <Refusal of={data.refusal} />}
      actions={(goTo) =>
        data !== undefined && (
          <DeviceActions
            {...{ device: id, role }}
            changed={refresh}
            tell={(kind) => {
              setDraft({ ...draft, kind, run: kind === draft.kind ? draft.run : '' });
              goTo('Commands');
            }}
          />
        )
      }
      facts={data === undefined ? [] : factsOf(data)}
      graph={data !== undefined && <Sync of={data} backlog={backlog.data} />}
      tabs={[
        { title: 'Runs', show: () => <DeviceRuns id={id} /> },
        { title: 'Journal', show: () => data && <Entries device={data} /> },
        {
          title: 'Commands',
          show: () => (
            <>
              {orders}
              {data && <DeviceCommands of={data} />}
            </>
          ),
        },
        {
          title: 'Log',
          show: () => data && <DeviceLog of={data} outages={backlog.data?.outages ?? []} />,
        },
        { title: 'Config', show: () => data && <DeviceSettings of={data} /> },
        { title: 'Identity', show: () => data && <Identity of={data} /> },
      ]}
    />
  );
}

/** How it was there, and how far it is and was behind. */
function Sync(props: {
  readonly of: DeviceDetailView;
  readonly backlog: DeviceBacklogView | undefined;
}) {
  const { of: device, backlog } = props;
  const { firstSeenAt, lanes } = device;
  return (
    <>
      {backlog !== undefined && <Connectivity of={{ ...backlog, firstSeenAt }} />}
      <LaneTable
        lanes={lanes.map(({ lane, head, acked, watermark }) => {
          return { lane, head, acked, applied: watermark };
        })}
      />
      {backlog !== undefined && <DeviceBacklog of={backlog} />}
    </>
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
  const { holes, clockAheadMs, commandsWaiting, keys, tags } = device;
  const facts: [string, string][] = [
    ['backlog', backlogWords(device)],
    ['last seen', ago(device.lastSeenAt)],
    ['last ack', ago(device.lastAckAt)],
  ];
  if (commandsWaiting > 0) facts.push(['queued', `${formatCount(commandsWaiting)} commands`]);
  if (holes.entries > 0) {
    facts.push(['holes', `${formatCount(holes.entries)} entries will never come`]);
  }
  if (clockAheadMs !== null && Math.abs(clockAheadMs) > CLOCK_OFF_MS) {
    facts.push(['clock', `${aheadText(clockAheadMs)}; times are corrected`]);
  }
  if (Object.keys(tags).length > 0) facts.push(['tags', tagsText(tags)]);
  const certificateTo = keys.find(({ revokedAt }) => revokedAt === null)?.certificateTo;
  if (typeof certificateTo === 'string') facts.push(['certificate', `ends ${ago(certificateTo)}`]);
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

function DeviceRuns({ id }: { readonly id: string }) {
  const asked = { params: { id }, query: { limit: 1_000 } };
  const { data, problem } = useLive('GET /api/devices/{id}/runs', [asked], 4_000);
  return (
    <>
      <ProblemNote problem={problem} />
      <RunTable
        runs={(data?.runs ?? []).map(shownRun)}
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
