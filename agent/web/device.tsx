import { DevicePage, type DeviceShown } from '../../protocol/web/device-page.tsx';
import { aheadText, ago, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { LaneTable } from '../../protocol/web/lane-table.tsx';
import { Facts, Marked, sentence } from '../../protocol/web/parts.tsx';
import { headline } from '../src/core/headline.ts';
import type { StatusView } from '../src/core/views.ts';
import { useLive } from './api.ts';
import { OwnBacklog } from './backlog.tsx';
import { OwnCommands } from './commands.tsx';
import { Journal } from './journal.tsx';
import { AgentLog } from './log.tsx';
import { Runs } from './runs.tsx';
import { Settings } from './settings.tsx';

/** Below, a clock and a link tell the same. */
const CLOCK_OFF_MS = 2_000;

export function Device() {
  const { data, problem } = useLive<StatusView>('status');
  return (
    <DevicePage
      id={data?.device ?? 'This device'}
      state={data?.link.state}
      problem={problem}
      notes={data !== undefined && <Notes of={data} />}
      facts={data === undefined ? [] : factsOf(data)}
      graph={
        data !== undefined && (
          <>
            <LaneTable lanes={data.backlog.lanes} />
            <OwnBacklog of={data} />
          </>
        )
      }
      tabs={[
        { title: 'Runs', show: () => <Runs /> },
        { title: 'Journal', show: () => data && <Journal lanes={data.backlog.lanes} /> },
        { title: 'Commands', show: () => <OwnCommands /> },
        { title: 'Log', show: () => <AgentLog /> },
        { title: 'Config', show: () => <Settings /> },
        { title: 'Identity', show: () => data && <Facts rows={identityOf(data)} /> },
      ]}
    />
  );
}

function Notes({ of: status }: { readonly of: StatusView }) {
  const { pending, bytes } = status.backlog;
  const entries = `${formatCount(pending)} ${pending === 1 ? 'entry' : 'entries'}`;
  const words = headline(status, `${entries} (${formatBytes(bytes)})`);
  return (
    <>
      <p>{sentence(words)}</p>
      {status.problems.map(({ code, message, hint }) => (
        <p key={`${code} ${message}`} class="note bad">
          <strong>{sentence(message)}</strong> <Marked text={hint} /> <code>{code}</code>
        </p>
      ))}
    </>
  );
}

function factsOf(status: StatusView): DeviceShown['facts'] {
  const { agent, backlog, clock, journal, link } = status;
  const facts: [string, string][] = [];
  if (backlog.oldestAt !== null) facts.push(['oldest', `from ${ago(backlog.oldestAt)}`]);
  facts.push(['gateway', link.gateway ?? 'none'], ['last ack', ago(link.lastAckAt)]);
  if (link.state === 'offline' && link.nextTryAt !== null) {
    const why = link.problem === null ? '' : `: ${link.problem.message}`;
    facts.push(['next try', `${ago(link.nextTryAt)} (attempt ${link.attempt}${why})`]);
  }
  facts.push(['journal', spaceText(journal)]);
  if (clock !== null && Math.abs(clock.wallAheadMs) > CLOCK_OFF_MS) {
    facts.push(['clock', aheadText(clock.wallAheadMs)]);
  }
  const since = agent.startedAt === null ? '' : `, started ${ago(agent.startedAt)}`;
  return [...facts, ['agent', `${agent.version}${since}`]];
}

/** By what a gateway knows this device. */
function identityOf({ device, epoch, key, certificate }: StatusView): DeviceShown['facts'] {
  return [
    ['device', <code>{device}</code>],
    ['key', key === null ? 'none yet' : <code>{key}</code>],
    ['certificate', certificate === null ? 'none' : `ends ${ago(certificate.expiresAt)}`],
    ['epoch', formatCount(epoch)],
  ];
}

function spaceText({ usedBytes, maxBytes, diskFreeBytes }: StatusView['journal']): string {
  const of = maxBytes === null ? '' : ` of ${formatBytes(maxBytes)}`;
  const free = diskFreeBytes === null ? '' : `, disk ${formatBytes(diskFreeBytes)} free`;
  return `${formatBytes(usedBytes)}${of}${free}`;
}
