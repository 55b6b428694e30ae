import {
  formatBytes,
  formatCount,
  formatDuration,
  renderTable,
  type Cell,
  type Column,
} from '@holdfast/protocol/base';
import type { BacklogView } from '../core/views.ts';
import { partsLines } from './backlog-parts.ts';
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
  return [
    `${linkSign(view.link, screen)}: ${sentence(view)}.`,
    '',
    lanesTable(view, screen),
    ...rateLines(view),
    ...partsLines(view, ROWS_SHOWN, screen),
    ...trouble(view, screen),
  ].join('\n');
}

/** Two tables of so many rows fit into a terminal of 24 lines with what is above them. */
const ROWS_SHOWN = 5;

export function lanesTable(view: BacklogView, screen: Screen): string {
  const rows = view.lanes.map((lane): Cell[] => [
    lane.lane,
    formatCount(lane.head),
    formatCount(lane.sent),
    formatCount(lane.acked),
    lane.pending === 0 ? '-' : formatCount(lane.pending),
    lane.pending === 0 ? '-' : formatBytes(lane.bytes),
    lane.oldestAt === null ? '-' : age(lane.oldestAt, screen),
  ]);
  return renderTable(columns, rows, screen);
}

/** How fast it grows and drains, and what did not go as it should. */
function rateLines(view: BacklogView): string[] {
  const { rates, link, setAside } = view;
  const again = `sent again ${plural(link.resends, 'batch', 'batches')}`;
  const aside = `set aside ${plural(setAside.length, 'entry', 'entries')}`;
  const gone = `given up ${plural(view.holes.entries, 'entry', 'entries')}`;
  const counts = `${again}   ${gone}   ${aside}`;
  if (rates === undefined) return [counts];
  const { inPerS, outPerS } = rates;
  const net = inPerS - outPerS;
  const plus = net > 0 ? '+' : '';
  const amounts = `in ${perS(inPerS)}   out ${perS(outPerS)}   net ${plus}${perS(net)}`;
  return [`${amounts}   ${drainsText(view)}`, counts];
}

/** When nothing will be pending, if it goes on like this. */
function drainsText({ pending, link, rates }: BacklogView): string {
  if (pending === 0) return 'drained';
  if (link.state === 'none') return 'drains never: there is no gateway';
  if (link.state !== 'syncing' && link.state !== 'synced') return 'drains once there is a link';
  const net = (rates?.outPerS ?? 0) - (rates?.inPerS ?? 0);
  return net > 0 ? `drains in about ${formatDuration((pending / net) * 1_000)}` : 'does not drain';
}

export function perS(rate: number): string {
  return `${rate.toFixed(1)}/s`;
}

function plural(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** What is lost, and why nothing goes on. */
export function trouble(view: BacklogView, screen: Screen): string[] {
  const problem = view.link.state === 'stuck' ? view.link.problem : null;
  return [
    ...(view.holes.entries === 0 ? [] : ['', holesText(view.holes)]),
    ...problemLines(problem === null ? [] : [problem], screen),
  ];
}

export function sentence({ pending, bytes }: BacklogView): string {
  if (pending === 0) return 'nothing is pending';
  return `${countEntries(pending, bytes)} ${pending === 1 ? 'is' : 'are'} pending`;
}
