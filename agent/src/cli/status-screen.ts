import {
  formatBytes,
  formatCount,
  formatDuration,
  paint,
  printable,
  relativeTime,
  wrapLine,
} from '@holdfast/protocol/base';
import { headline } from '../core/headline.ts';
import { scheduleStates } from '../core/schedule-views.ts';
import { runStates, type StatusView } from '../core/views.ts';
import { age, countEntries, holesText, linkSign, problemLines, type Screen } from './link-line.ts';

/** Before what is said of something. */
const LABEL_COLUMNS = 13;
/** What is far off is not known to the hour. */
const DAY_MS = 86_400_000;
/** A clock that is off by less is not worth a word. */
const CLOCK_OFF_MS = 2_000;

/** The status as a person reads it, without a final line end. */
export function statusScreen(status: StatusView, screen: Screen): string {
  const label = (name: string) => `  ${paint(name.padEnd(9), 'dim', screen.color)}  `;
  const isUnknown = status.link.state === 'stopped' && status.link.gateway === null;
  const holes = holesText(status.backlog.holes);
  const pending = countEntries(status.backlog.pending, status.backlog.bytes);
  const head = [
    `${linkSign(status.link, screen)}: ${headline(status, pending)}${needsYou(status, screen)}.`,
    ...reassurance(status, screen),
  ];
  const lines = [
    `${label('device')}${paint(status.device, 'cyan', screen.color)}, epoch ${status.epoch}`,
    ...(status.key === null ? [] : [`${label('key')}${status.key}`]),
    ...certificateLine(status, screen).map((line) => `${label('cert')}${line}`),
    `${label('agent')}${agentLine(status, screen)}`,
    // A store does not know the gateway: that is a setting of the agent.
    ...(isUnknown ? [] : [`${label('gateway')}${gatewayLine(status, screen)}`]),
    ...meterLine(status, screen).map((line) => `${label('metered')}${line}`),
    ...clockLine(status).map((line) => `${label('clock')}${line}`),
    `${label('journal')}${journalLine(status)}`,
    `${label('space')}${spaceLine(status)}`,
    ...diskLine(status).map((line) => `${label('disk')}${line}`),
    ...(holes === '' ? [] : [`${label('holes')}${holes}`]),
    `${label('runs')}${runsLine(status, screen)}`,
    ...schedulesLine(status, screen).map((line) => `${label('schedules')}${line}`),
  ];
  return [
    ...head.map((line) => wrapLine(line, screen.width, 2)),
    '',
    ...lines.map((line) => wrapLine(line, screen.width, LABEL_COLUMNS)),
    ...problemLines(problemsOf(status), screen),
  ].join('\n');
}

/** What only a person can mend belongs into the first line, whatever the link is like. */
function needsYou({ runs }: StatusView, screen: Screen): string {
  const stuck = runs.stuck ?? 0;
  if (stuck === 0) return '';
  const text = stuck === 1 ? '1 run is stuck' : `${formatCount(stuck)} runs are stuck`;
  return `; ${paint(text, 'red', screen.color)}`;
}

function reassurance({ link, backlog, runs }: StatusView, screen: Screen): string[] {
  const lines: string[] = [];
  if (link.state === 'offline') {
    const how = (runs.stuck ?? 0) === 0 ? 'Working normally: it' : 'It';
    lines.push(`  ${how} goes on without the gateway.`);
  }
  if (link.state === 'stuck' && backlog.pending === 0) {
    lines.push('  Nothing waits yet: what is journaled from now on is safe on this device.');
  }
  if (link.state === 'stopped') {
    lines.push('  The agent does not run: this is what its store holds.');
  }
  if (backlog.oldestAt !== null) {
    lines.push(`  The oldest entry waits for ${age(backlog.oldestAt, screen)}.`);
  }
  return [...lines, ...catchUpLine(link, backlog)];
}

/** None where it is not known. */
function catchUpLine(
  { state }: StatusView['link'],
  { catchUpMs, usualPerS }: StatusView['backlog'],
): string[] {
  if (catchUpMs === null) return [];
  const time = aboutTime(catchUpMs);
  if (state === 'syncing') return [`  It will be synced in ${time}.`];
  if (usualPerS === null) return [];
  const isSlow = usualPerS < 10;
  const usual = isSlow ? `${Number(usualPerS.toPrecision(2))}` : formatCount(Math.round(usualPerS));
  const entries = usual === '1' ? 'entry' : 'entries';
  return [`  At the usual ${usual} ${entries}/s it will need ${time} of connection to catch up.`];
}

/** What is only worked out: `about 7 s`. */
function aboutTime(ms: number): string {
  if (ms < 1_000) return 'less than a second';
  if (ms > 365 * DAY_MS) return 'more than a year';
  const rough = ms < 10 * DAY_MS ? ms : Math.round(ms / DAY_MS) * DAY_MS;
  return `about ${formatDuration(rough)}`;
}

/** Only of a device that was enrolled. */
function certificateLine({ certificate }: StatusView, screen: Screen): string[] {
  if (certificate === null) return [];
  const { expiresAt } = certificate;
  const day = expiresAt.slice(0, 10);
  const leftMs = Date.parse(expiresAt) - screen.nowMs();
  if (leftMs > 0) return [`valid until ${day}, for ${formatDuration(leftMs)}`];
  return [paint(`expired on ${day}, ${relativeTime(-leftMs)}`, 'red', screen.color)];
}

function agentLine({ agent }: StatusView, screen: Screen): string {
  if (!agent.running) return `${agent.version}, not running`;
  const pid = agent.pid === null ? '' : ` (pid ${agent.pid})`;
  const up = agent.startedAt === null ? '' : `, up ${age(agent.startedAt, screen)}`;
  return `${agent.version}${pid}${up}`;
}

function gatewayLine({ link }: StatusView, screen: Screen): string {
  const now = screen.nowMs();
  const parts = [link.gateway === null ? 'none' : printable(link.gateway)];
  if (link.lastAckAt !== null) {
    parts.push(`last ack ${relativeTime(now - Date.parse(link.lastAckAt))}`);
  }
  if (link.state === 'offline' && link.nextTryAt !== null) {
    const inMs = Math.max(0, Date.parse(link.nextTryAt) - now);
    const why = link.problem === null ? '' : `: ${printable(link.problem.message)}`;
    parts.push(`next try in ${formatDuration(inMs)} (attempt ${link.attempt}${why})`);
  }
  if (link.resends > 0) parts.push(`${formatCount(link.resends)} batches sent again`);
  return parts.join(', ');
}

/** Only of a link that costs. */
function meterLine({ link: { metered } }: StatusView, screen: Screen): string[] {
  if (metered === null) return [];
  const { isOpen, usedBytes, budgetBytes, per, changesAt } = metered;
  const used = `${formatBytes(usedBytes)} of ${formatBytes(budgetBytes ?? 0)} this ${per}`;
  const inMs = changesAt === null ? 0 : Math.max(0, Date.parse(changesAt) - screen.nowMs());
  const when = changesAt === null ? '' : ` in ${formatDuration(inMs)}, at ${changesAt}`;
  const state = isOpen ? `open${when && `, closes${when}`}` : `closed, opens${when}`;
  return [budgetBytes === null ? state : `${state}, ${used}`];
}

function journalLine({ backlog }: StatusView): string {
  const sum = (of: 'head' | 'acked') => backlog.lanes.reduce((all, lane) => all + lane[of], 0);
  const pending = backlog.lanes
    .filter((lane) => lane.pending > 0)
    .map((lane) => `${lane.lane} ${formatCount(lane.pending)}`);
  const waiting = pending.length === 0 ? 'nothing pending' : `pending ${pending.join(' · ')}`;
  return `head ${formatCount(sum('head'))}, acked ${formatCount(sum('acked'))}, ${waiting}`;
}

function spaceLine({ journal }: StatusView): string {
  const { usedBytes, maxBytes, fileBytes, diskFreeBytes, fullInMs } = journal;
  const of = maxBytes === null ? '' : ` of ${formatBytes(maxBytes)}`;
  const full = fullInMs === null ? '' : `, full in ${aboutTime(fullInMs)} at this rate`;
  const files = fileBytes === null ? '' : `, files ${formatBytes(fileBytes)}`;
  const free = diskFreeBytes === null ? '' : `, disk ${formatBytes(diskFreeBytes)} free`;
  return `${formatBytes(usedBytes)}${of}${full}${files}${free}`;
}

/** None where nothing was written yet, as for an agent that does not run. */
function diskLine({ journal }: StatusView): string[] {
  if (journal.syncMs === null) return [];
  const { count, p50, p99, max } = journal.syncMs;
  const [half, most, longest] = [p50, p99, max].map(formatMs);
  return [`syncs: half within ${half}, 99 % within ${most}, longest ${longest}, of ${count}`];
}

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : formatDuration(ms);
}

function runsLine({ runs }: StatusView, screen: Screen): string {
  const counts = runStates
    .filter((state) => (runs[state] ?? 0) > 0)
    .map((state) => {
      const text = `${formatCount(runs[state] ?? 0)} ${state}`;
      return state === 'stuck' ? paint(text, 'red', screen.color) : text;
    });
  return counts.length === 0 ? 'none' : counts.join(' · ');
}

/** None for a device without schedules. */
function schedulesLine({ schedules }: StatusView, screen: Screen): string[] {
  const counts = scheduleStates
    .filter((state) => (schedules[state] ?? 0) > 0)
    .map((state) => {
      const text = `${formatCount(schedules[state] ?? 0)} ${state}`;
      return state === 'waiting-for-time' ? paint(text, 'yellow', screen.color) : text;
    });
  return counts.length === 0 ? [] : [counts.join(' · ')];
}

/** None for an agent that does not run. */
function clockLine({ clock }: StatusView): string[] {
  if (clock === null) return [];
  const by = { gateway: 'the gateway', system: 'the system', none: 'nobody yet' }[clock.source];
  const offMs = Math.abs(clock.wallAheadMs);
  if (offMs < CLOCK_OFF_MS) return [`${clock.at}, by ${by}`];
  const how = clock.wallAheadMs > 0 ? 'ahead' : 'behind';
  return [`${clock.at}, by ${by}; the system's is ${formatDuration(offMs)} ${how}`];
}

/** A link that is stuck has its reason in the link, not among the problems. */
function problemsOf({ link, problems }: StatusView): StatusView['problems'] {
  const own = link.state === 'stuck' ? link.problem : null;
  const isListed = problems.some((problem) => problem.code === own?.code);
  return own === null || isListed ? problems : [own, ...problems];
}
