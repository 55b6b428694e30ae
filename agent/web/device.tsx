import { DevicePage, type DeviceShown } from '../../protocol/web/device-page.tsx';
import { aheadText, ago, formatBytes, formatCount } from '../../protocol/web/format.ts';
import { Marked, sentence } from '../../protocol/web/parts.tsx';
import { headline } from '../src/core/headline.ts';
import type { StatusView } from '../src/core/views.ts';
import { useLive } from './api.ts';
import { OwnBacklog } from './backlog.tsx';
import { Journal } from './journal.tsx';
import { AgentLog } from './log.tsx';
import { Runs } from './runs.tsx';

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
      graph={data !== undefined && <OwnBacklog of={data} />}
      tabs={[
        { title: 'Runs', show: () => <Runs /> },
        { title: 'Journal', show: () => data && <Journal lanes={data.backlog.lanes} /> },
        { title: 'Log', show: () => <AgentLog /> },
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
  const { agent, backlog, clock, epoch, journal, key, link } = status;
  const lanes = backlog.lanes.map(({ lane, head, acked }) => {
    return `${lane} ${formatCount(acked)} of ${formatCount(head)}`;
  });
  const facts: [string, string][] = [['arrived', lanes.join(' · ')]];
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
  facts.push(['agent', `${agent.version}${since}`], ['epoch', formatCount(epoch)]);
  return key === null ? facts : [...facts, ['key', <code>{key}</code>]];
}

function spaceText({ usedBytes, maxBytes, diskFreeBytes }: StatusView['journal']): string {
  const of = maxBytes === null ? '' : ` of ${formatBytes(maxBytes)}`;
  const free = diskFreeBytes === null ? '' : `, disk ${formatBytes(diskFreeBytes)} free`;
  return `${formatBytes(usedBytes)}${of}${free}`;
}
