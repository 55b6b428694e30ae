import { formatCount, formatDuration, paint } from '@holdfast/protocol';
import { folded } from './folded.ts';
import { judged } from './report.ts';

/** How the devices of a fleet are, each counted once. */
export interface FleetStates {
  /** Connected, and nothing is pending. */
  readonly online: number;
  /** Connected, and behind. */
  readonly behind: number;
  readonly offline: number;
  /** Their process stands still. */
  readonly stopped: number;
  /** Their process is dead. */
  readonly down: number;
}

/** What there is to see of a fleet while it is under way. Times since it began, ms. */
export interface FleetLook {
  readonly scenario: string;
  readonly seed: number;
  /** Real processes, or a virtual world. */
  readonly isReal: boolean;
  readonly atMs: number;
  /** How long things go wrong. */
  readonly durationMs: number;
  /** What is not over when that is, comes to its end. */
  readonly isHealing: boolean;
  readonly states: FleetStates;
  /** Journaled. */
  readonly entries: number;
  /** Journaled, and not acknowledged. */
  readonly pending: number;
  readonly most: { readonly pending: number; readonly atMs: number };
  /** How often what went wrong. */
  readonly mishaps: Readonly<Record<string, number>>;
  /** Promises that are broken. */
  readonly broken: ReadonlySet<string>;
  readonly violations: number;
  /** What has happened last, the newest first. */
  readonly recent: readonly { readonly atMs: number; readonly what: string }[];
}

export interface PictureOptions {
  /** By the clock on the wall. */
  readonly tookMs: number;
  /** Of the terminal; no line is longer. */
  readonly columns: number;
  readonly color: boolean;
}

const INDENT = 11;
const BAR_MAX = 20;

/** What a terminal shows of a fleet that is under way. */
export function pictureOf(look: FleetLook, { tookMs, columns, color }: PictureOptions): string[] {
  const { states, most, violations, broken } = look;
  const behind = look.entries - look.pending;
  const row = (what: string, parts: readonly string[], between = ' · '): string[] =>
    folded(` ${what.padEnd(INDENT - 1)}`, parts, { between, columns });
  const marks = judged.map(([promise]) => (broken.has(promise) ? '✗' : '✓') + ` ${promise}`);
  const checks = [...marks, `${formatCount(violations)} violations`];
  return [
    headOf(look, columns),
    ...row('time', timesOf(look, tookMs)),
    ...row('devices', [
      formatCount(Object.values(states).reduce((sum, each) => sum + each, 0)),
      ...Object.entries(states).map(([state, count]) => `${state} ${formatCount(count)}`),
    ]),
    ...row('journal', [
      `journaled ${formatCount(look.entries)}`,
      `acknowledged ${formatCount(behind)}`,
      `pending ${formatCount(look.pending)}`,
      `most ${formatCount(most.pending)} at ${clockOf(most.atMs)}`,
    ]),
    ...row('faults', mishapsOf(look)),
    ...row('checks', checks, '  ').map((line) => painted(line, color)),
    ...look.recent.map(({ atMs, what }, index) => {
      const head = index === 0 ? ' recent' : '';
      return `${head.padEnd(INDENT)}${clockOf(atMs)} ${what}`.slice(0, columns);
    }),
  ];
}

/** The same in a line, for what is no terminal. */
export function pictureLine(look: FleetLook, tookMs: number): string {
  const { scenario, entries, pending, violations } = look;
  const { offline, down } = look.states;
  const share = Math.round(100 * shareOf(look));
  const time = look.isReal ? 'time' : 'virtual time';
  const rate = look.isReal ? '' : `${rateOf(look, tookMs)}, `;
  const counts = `${rate}${formatCount(entries)} entries, ${formatCount(pending)} pending`;
  const fleet = `${formatCount(offline)} offline, ${formatCount(down)} down`;
  const found = `${formatCount(violations)} violations`;
  const left = leftOf(look, tookMs);
  return `${scenario}: ${share} % of ${time}, ${counts}, ${fleet}, ${found}, ${left}`;
}

function headOf(look: FleetLook, columns: number): string {
  const { scenario, seed, isReal, atMs, durationMs } = look;
  const share = shareOf(look);
  const at = `${clockOf(atMs)} / ${clockOf(durationMs)}`;
  const head = `${scenario}  seed ${seed}   ${isReal ? 'real' : 'virtual'} ${at}  `;
  const percent = `  ${Math.round(100 * share)} %`;
  const cells = Math.max(0, Math.min(BAR_MAX, columns - head.length - percent.length));
  const filled = Math.round(share * cells);
  const bar = '█'.repeat(filled) + '▒'.repeat(cells - filled);
  return `${head}${bar}${percent}`.slice(0, columns);
}

function shareOf({ atMs, durationMs }: FleetLook): number {
  return Math.min(1, atMs / durationMs);
}

function timesOf(look: FleetLook, tookMs: number): readonly string[] {
  const rate = look.isReal ? [] : [rateOf(look, tookMs)];
  return [...rate, `elapsed ${formatDuration(tookMs)}`, leftOf(look, tookMs)];
}

function rateOf({ atMs }: FleetLook, tookMs: number): string {
  return `×${formatCount(Math.round(atMs / Math.max(1, tookMs)))} real time`;
}

function leftOf(look: FleetLook, tookMs: number): string {
  if (look.isHealing) return 'everything heals';
  const share = shareOf(look);
  return share === 0 ? 'begins' : `about ${formatDuration((tookMs / share) * (1 - share))} left`;
}

/** What happened often first. */
function mishapsOf({ mishaps }: FleetLook): readonly string[] {
  const met = Object.entries(mishaps).filter(([, count]) => count > 0);
  if (met.length === 0) return ['none yet'];
  return met
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} ${formatCount(count)}`);
}

function painted(line: string, color: boolean): string {
  return line
    .replaceAll(/✓ P\d+/g, (mark) => paint(mark, 'green', color))
    .replaceAll(/✗ P\d+/g, (mark) => paint(mark, 'red', color));
}

/** Hours, minutes and seconds, as a clock has them. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
