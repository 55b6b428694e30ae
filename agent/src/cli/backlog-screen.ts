import {
  formatBytes,
  formatCount,
  formatDuration,
  renderTable,
  type Cell,
  type Column,
} from '@holdfast/protocol/base';
import type { BacklogView } from '../core/views.ts';
import { age, countEntries, holesText, linkSign, problemLines, type Screen } from './link-line.ts';

const columns: readonly Column[] = [
  { title: 'lane' },
  { title: 'head', align: 'right', drop: 1 },
  { title: 'sent', align: 'right', drop: 3 },
  { title: 'acked', align: 'right', drop: 2 },
  { title: 'pending', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'oldest', align: 'right' },
];

/** What this device has not yet handed to the gateway, without a final line end. */
export function backlogScreen(view: BacklogView, screen: Screen): string {
  const lanes = view.lanes.map((lane): Cell[] => [
    lane.lane,
    formatCount(lane.head),
    formatCount(lane.sent),
    formatCount(lane.acked),
    lane.pending === 0 ? '-' : formatCount(lane.pending),
    lane.pending === 0 ? '-' : formatBytes(lane.bytes),
    lane.oldestAt === null ? '-' : age(lane.oldestAt, screen),
  ]);
  const problem = view.link.state === 'stuck' ? view.link.problem : null;
  return [
    `${linkSign(view.link, screen)}: ${sentence(view)}.`,
    '',
    renderTable(columns, lanes, screen),
    ...(view.holes.entries === 0 ? [] : ['', holesText(view.holes)]),
    ...problemLines(problem === null ? [] : [problem], screen),
  ].join('\n');
}

function sentence({ pending, bytes }: BacklogView): string {
  if (pending === 0) return 'nothing is pending';
  return `${countEntries(pending, bytes)} ${pending === 1 ? 'is' : 'are'} pending`;
}

/** What a watch has seen: the first look, the one before this, and the largest backlog. */
export interface Watched {
  readonly first: BacklogView;
  readonly previous: BacklogView;
  readonly pendingMax: number;
}

const BAR_CELLS = 30;

/** The backlog with its progress and rates, as seen since the watch began. */
export function watchScreen(view: BacklogView, watched: Watched, screen: Screen): string {
  const rates = ratesBetween(watched.previous, view);
  const left = `${formatCount(view.pending)} of ${formatCount(watched.pendingMax)}`;
  const lines = [
    `${view.device}  ${new Date(view.at).toISOString().slice(11, 19)} UTC`,
    backlogScreen(view, screen),
    '',
    `pending ${left}  ${bar(view.pending, watched.pendingMax)}`,
  ];
  if (rates !== undefined) lines.push(ratesLine(view, rates));
  return lines.join('\n');
}

function bar(pending: number, pendingMax: number): string {
  const share = pendingMax === 0 ? 1 : (pendingMax - pending) / pendingMax;
  const filled = Math.floor(share * BAR_CELLS);
  return `${'█'.repeat(filled)}${'▒'.repeat(BAR_CELLS - filled)}  ${Math.floor(share * 100)}%`;
}

interface Rates {
  /** Entries a second. */
  readonly journaled: number;
  readonly acked: number;
}

function ratesBetween(before: BacklogView, after: BacklogView): Rates | undefined {
  const seconds = (Date.parse(after.at) - Date.parse(before.at)) / 1_000;
  if (!(seconds > 0)) return undefined;
  const sum = (view: BacklogView, of: 'head' | 'acked') =>
    view.lanes.reduce((all, lane) => all + lane[of], 0);
  const rate = (of: 'head' | 'acked') => (sum(after, of) - sum(before, of)) / seconds;
  return { journaled: rate('head'), acked: rate('acked') };
}

function ratesLine(view: BacklogView, { journaled, acked }: Rates): string {
  const line = `in ${journaled.toFixed(1)}/s   acked ${acked.toFixed(1)}/s`;
  const drain = acked - journaled;
  if (view.pending === 0 || drain <= 0) return line;
  return `${line}   synced in about ${formatDuration((view.pending / drain) * 1_000)}`;
}
