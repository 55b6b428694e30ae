import {
  formatBytes,
  formatCount,
  formatDuration,
  paint,
  printable,
  wrapLine,
  type TableChoice,
  type Tone,
} from '@holdfast/protocol/base';
import type { HolesView, LinkState, LinkView, Problem } from '../core/views.ts';

/** What a screen needs to know of where and when it is shown. */
export interface Screen {
  readonly color: boolean;
  readonly width: number | undefined;
  readonly nowMs: () => number;
  /** What of a table is shown. Default: what fits. */
  readonly table?: TableChoice;
}

/** Offline is a normal state: dim. Red is for what a person must look at. */
const signs: Readonly<Record<LinkState, readonly [sign: string, tone: Tone]>> = {
  none: ['◌ NO GATEWAY', 'dim'],
  offline: ['◌ OFFLINE', 'dim'],
  connecting: ['◌ CONNECTING', 'dim'],
  syncing: ['● SYNCING', 'bold'],
  synced: ['✓ SYNCED', 'green'],
  stuck: ['✗ STUCK', 'red'],
  stopped: ['◌ STOPPED', 'dim'],
};

/** `◌ OFFLINE for 3h 12m` */
export function linkSign(link: LinkView, screen: Screen): string {
  const [sign, tone] = signs[link.state];
  const hasAge = link.since !== null && link.state !== 'none' && link.state !== 'synced';
  const since = hasAge ? ` for ${age(link.since, screen)}` : '';
  return `${paint(sign, tone, screen.color)}${since}`;
}

/** How long ago an instant was: `3h 12m`. */
export function age(at: string, screen: Screen): string {
  return formatDuration(Math.max(0, screen.nowMs() - Date.parse(at)));
}

/** `1,284 entries (2.1 MiB)` */
export function countEntries(pending: number, bytes: number): string {
  const noun = pending === 1 ? 'entry' : 'entries';
  return `${formatCount(pending)} ${noun} (${formatBytes(bytes)})`;
}

/** What is wrong, with what to do, as lines of a comment. */
export function problemLines(problems: readonly Problem[], screen: Screen): string[] {
  if (problems.length === 0) return [];
  return [
    '',
    paint('# Problems', 'bold', screen.color),
    ...problems.flatMap(({ code, message, hint }) => [
      remark(`- ${paint(code, 'red', screen.color)}  ${printable(message)}`, '#   ', screen),
      remark(`hint: ${printable(hint)}`, '#       ', screen),
    ]),
  ];
}

/** Entries that will never come and that the gateway is still to be told of; empty: none. */
export function holesText({ entries, bytes }: HolesView): string {
  if (entries === 0) return '';
  return `${countEntries(entries, bytes)} given up, to be declared to the gateway`;
}

/** A text as lines of a comment, as wide as the screen. */
function remark(text: string, sign: string, { width }: Screen): string {
  const room = width === undefined ? undefined : width - sign.length;
  return `${sign}${wrapLine(text, room, 2).split('\n').join(`\n${sign}`)}`;
}
