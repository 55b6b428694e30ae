import { formatCount, formatDuration, paint } from '@holdfast/protocol';
import type { SimulationReport } from '../virtual/simulate.ts';

/** What is judged, by the promise that it belongs to. */
const judged: readonly (readonly [promise: string, what: string])[] = [
  ['P1', 'what was acknowledged to a caller is there, once'],
  ['P2', 'every run comes to the end that its input says'],
  ['P3', 'the ledger is the journal: each entry once, in order, acknowledged only when durable'],
  ['P5', 'what has its outcome never runs again; effects happen once for each key'],
  ['P6', 'the result of a call is applied once'],
  ['P7', 'agent and gateway start, whatever the power cut left'],
  ['P9', 'the chains agree and verify; nothing forged or changed is taken'],
  ['P12', 'no sleep ends before its time'],
];

export interface ScreenOptions {
  readonly color: boolean;
  /** The command that gives the same again. */
  readonly again: string;
  readonly tookMs: number;
}

/** The end of a simulation, for people. */
export function simulationScreen(
  scenario: string,
  report: SimulationReport,
  { color, again, tookMs }: ScreenOptions,
): string {
  const { violations, devices, seed } = report;
  const isHeld = violations.length === 0;
  const verdict = paint(isHeld ? 'PASS' : 'FAIL', isHeld ? 'green' : 'red', color);
  const size = `${devices} devices × ${formatDuration(report.virtualMs)} (virtual)`;
  const count = (what: string, number: number): string => `${formatCount(number)} ${what}`;
  const lines = [
    `${verdict}  ${scenario}  seed ${seed}  ${size} in ${formatDuration(tookMs)}`,
    `  ${[
      count('runs', report.runs),
      count('entries', report.entries),
      count('messages', report.messages),
      count('starts of agents', report.boots),
      count('starts of the gateway', report.gatewayStarts),
    ].join(' · ')}`,
    `  ${Object.entries(report.mishaps)
      .map(([what, number]) => `${what} ${formatCount(number)}`)
      .join(' · ')}`,
    ...judged.map(([promise, what]) => {
      const broken = violations.filter((each) => each.promise === promise).length;
      const mark = broken === 0 ? paint('✓', 'green', color) : paint('✗', 'red', color);
      return `  ${mark} ${promise.padEnd(3)} ${what}`;
    }),
    ...violations.map(({ promise, device, what }) => `  violated  ${promise} ${device}: ${what}`),
    `  trace ${report.digest}   again: ${again}`,
  ];
  return lines.join('\n');
}
