import { useState } from 'preact/hooks';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import { useLive } from './api.ts';
import { OrderForm } from './commands.tsx';
import { Entries } from './entries.tsx';
import { backlogText } from './fleet.tsx';
import { ago, formatBytes, formatCount, formatDuration, moment } from './format.ts';
import { Facts, ProblemNote, State } from './parts.tsx';
import { RunTable } from './runs.tsx';

const tabs = ['Runs', 'Journal', 'Commands', 'Identity'] as const;
type Tab = (typeof tabs)[number];

export function Device(props: { readonly id: string; readonly mayAct: boolean }) {
  const { id, mayAct } = props;
  const { data, problem } = useLive('GET /api/devices/{id}', [{ params: { id } }]);
  const [tab, setTab] = useState<Tab>('Runs');
  return (
    <>
      <h1>
        {id} {data !== undefined && <State of={data.state} />}
      </h1>
      <ProblemNote problem={problem} />
      {data !== undefined && <Summary of={data} />}
      <div role="tablist" aria-label="What is known of this device" class="tabs">
        {tabs.map((each) => (
          <button
            type="button"
            role="tab"
            id={`tab-${each}`}
            aria-controls="panel"
            aria-selected={each === tab}
            onClick={() => setTab(each)}
          >
            {each}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`}>
        {tab === 'Runs' && <DeviceRuns id={id} />}
        {tab === 'Journal' && data !== undefined && <Entries device={data} />}
        {tab === 'Commands' && <Orders id={id} mayAct={mayAct} />}
        {tab === 'Identity' && data !== undefined && <Identity of={data} />}
      </div>
    </>
  );
}

function Summary({ of: device }: { readonly of: DeviceDetailView }) {
  const { backlog, holes, clockAheadMs, lanes, refusal } = device;
  const arrived = lanes.map(({ lane, watermark }) => `${lane} ${formatCount(watermark)}`);
  const isFarOff = clockAheadMs !== null && Math.abs(clockAheadMs) > 2_000;
  return (
    <>
      {refusal !== null && (
        <p class="note bad">
          <strong>{refusal.why}</strong> <code>{refusal.code}</code>
        </p>
      )}
      <Facts
        rows={[
          [
            'backlog',
            backlog === null
              ? 'not reported since this gateway started'
              : `${backlogText(device)} entries (${formatBytes(backlog.bytes)}), as of ${ago(backlog.reportedAt)}`,
          ],
          ['arrived', arrived.join(' · ')],
          ['last seen', ago(device.lastSeenAt)],
          ['last ack', ago(device.lastAckAt)],
          ...(holes.entries === 0
            ? []
            : ([['holes', `${formatCount(holes.entries)} entries will never come`]] as const)),
          ...(isFarOff
            ? ([
                [
                  'clock',
                  `${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? 'ahead' : 'behind'}; times are corrected`,
                ],
              ] as const)
            : []),
          ...(Object.keys(device.tags).length === 0
            ? []
            : ([['tags', tagsText(device.tags)]] as const)),
          ['agent', device.agentVersion ?? '–'],
          ['epoch', formatCount(device.epoch)],
        ]}
      />
    </>
  );
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
      <RunTable runs={data?.runs ?? []} empty={data === undefined ? 'Asking…' : 'No run yet.'} />
    </>
  );
}

function Identity({ of: device }: { readonly of: DeviceDetailView }) {
  return (
    <>
      <h2>Keys</h2>
      <ul>
        {device.keys.map(({ key, since, revokedAt }) => (
          <li>
            <code>{key}</code>{' '}
            {revokedAt === null ? `since ${moment(since)}` : `revoked ${moment(revokedAt)}`}
          </li>
        ))}
      </ul>
      <h2>Lives of its journal</h2>
      <ul>
        {device.epochs.map(({ epoch, beganAt, cause, why }) => (
          <li>
            epoch {epoch}, {moment(beganAt)}
            {cause !== null && `: ${cause}; ${why}`}
          </li>
        ))}
      </ul>
    </>
  );
}

function tagsText(tags: DeviceDetailView['tags']): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
