import { formatBytes, formatCount, formatDuration, printable } from '@holdfast/protocol/base';
import type { BacklogView, JournalRow } from '../core/views.ts';
import { backlogGraph, type Reading } from '@holdfast/protocol/base';
import { partsLines } from './backlog-parts.ts';
import { lanesTable, perS, sentence, trouble } from './backlog-screen.ts';
import { age, linkSign, type Screen } from './link-line.ts';

/** What a watch has seen. */
export interface Watched {
  /** The looks of the last while, the newest last. */
  readonly looks: readonly BacklogView[];
  readonly readings: readonly Reading[];
  readonly pendingMax: number;
  /** The entry that was handed to the broker last and is not acknowledged. */
  readonly sending: JournalRow | undefined;
  /** By workflow and kind, in the place of the lanes. */
  readonly isByWorkflow: boolean;
}

const BAR_CELLS = 24;
const GRAPH_ROWS = 5;
/** Without a terminal nobody sees the graph. */
const COLUMNS = 80;
/** Of each of two tables, below all the rest. */
const PARTS_SHOWN = 2;

/** The backlog with its progress, its course and its rates, as seen since the watch began. */
export function watchScreen(view: BacklogView, watched: Watched, screen: Screen): string {
  const columns = screen.width ?? COLUMNS;
  return [
    `${view.device}  ${clockText(view.at)}`,
    `${linkSign(view.link, screen)}: ${sentence(view)}.`,
    '',
    progressLine(view, watched),
    ...backlogGraph(watched.readings, { columns, rows: GRAPH_ROWS }),
    ratesLine(view, watched, screen),
    ...sendingLine(watched),
    ...(watched.isByWorkflow
      ? partsLines(view, PARTS_SHOWN, screen)
      : ['', lanesTable(view, screen)]),
    ...trouble(view, screen),
  ].join('\n');
}

export function clockText(at: string): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

function progressLine(view: BacklogView, watched: Watched): string {
  const { pendingMax } = watched;
  const left = `${formatCount(view.pending)} of ${formatCount(pendingMax)}`;
  const share = pendingMax === 0 ? 1 : (pendingMax - view.pending) / pendingMax;
  const filled = Math.floor(share * BAR_CELLS);
  const bar = `${'█'.repeat(filled)}${'▒'.repeat(BAR_CELLS - filled)}  ${Math.floor(share * 100)}%`;
  const { journaled, acked } = ratesOf(watched);
  const drain = acked - journaled;
  const isDraining = view.pending > 0 && drain > 0;
  const eta = isDraining ? `   ETA ${formatDuration((view.pending / drain) * 1_000)}` : '';
  return `pending ${left}  ${bar}${eta}   ${formatBytes(view.bytes)} left`;
}

interface Rates {
  /** Entries a second. */
  readonly journaled: number;
  readonly sent: number;
  readonly acked: number;
}

function ratesOf({ looks }: Watched): Rates {
  const [before, after] = [looks[0], looks.at(-1)];
  if (before === undefined || after === undefined) return { journaled: 0, sent: 0, acked: 0 };
  const seconds = (Date.parse(after.at) - Date.parse(before.at)) / 1_000;
  const sum = (view: BacklogView, of: 'head' | 'sent' | 'acked') =>
    view.lanes.reduce((all, lane) => all + lane[of], 0);
  const rate = (of: 'head' | 'sent' | 'acked') =>
    // What was sent counts anew with each session.
    seconds > 0 ? Math.max(0, sum(after, of) - sum(before, of)) / seconds : 0;
  return { journaled: rate('head'), sent: rate('sent'), acked: rate('acked') };
}

function ratesLine(view: BacklogView, watched: Watched, screen: Screen): string {
  const { journaled, sent, acked } = ratesOf(watched);
  const { lastAckAt, resends } = view.link;
  return [
    `in ${perS(journaled)}   out ${perS(sent)}   acked ${perS(acked)}`,
    ...(lastAckAt === null ? [] : [`last ack ${age(lastAckAt, screen)} ago`]),
    ...(resends === 0 ? [] : [`sent again ${formatCount(resends)}`]),
    ...(view.oldestAt === null ? [] : [`oldest ${age(view.oldestAt, screen)}`]),
  ].join('   ');
}

function sendingLine({ sending }: Watched): string[] {
  if (sending === undefined) return [];
  const { lane, seq, kind, run, name } = sending;
  const of = [run, name].filter((each) => each !== null).map(printable);
  return [`now sending ${[...of, kind].join(' ')} (${lane}/${formatCount(seq)})`];
}
