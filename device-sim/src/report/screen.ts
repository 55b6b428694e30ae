import { formatBytes, formatCount, formatDuration, paint, wrapLine } from '@holdfast/protocol';
import { catchUpLine } from './html.ts';
import { judged, verdictOf, type SimulationReport, type Telling } from './report.ts';

export interface ScreenOptions {
  readonly color: boolean;
  /** Columns of the terminal; `undefined`: nothing is broken. */
  readonly width: number | undefined;
}

/** The end of a simulation, for people. */
export function simulationScreen(
  report: SimulationReport,
  { again, tookMs, color, width }: Telling & ScreenOptions,
): string {
  const { scenario, violations, devices, seed, checked } = report;
  const isHeld = violations.length === 0;
  const verdict = paint(isHeld ? 'PASS' : 'FAIL', isHeld ? 'green' : 'red', color);
  const kind = report.isReal ? 'real' : 'virtual';
  const size = `${formatCount(devices)} devices × ${formatDuration(report.virtualMs)} (${kind})`;
  const count = (what: string, number: number): string => `${formatCount(number)} ${what}`;
  const promises = judged.map(([promise, what]) => {
    const mark = {
      held: paint('✓', 'green', color),
      broken: paint('✗', 'red', color),
      'not looked at': '–',
    }[verdictOf(report, promise)];
    const looks = formatCount(checked[promise] ?? 0).padStart(LOOKS_CHARS);
    return [`  ${mark} ${promise.padEnd(3)}${looks}  ${what}`, PROMISE_COLUMN] as const;
  });
  const lines: readonly (string | readonly [line: string, indent: number])[] = [
    `${verdict}  ${scenario}  seed ${seed}  ${size} in ${formatDuration(tookMs)}`,
    ...(report.isCutShort ? [`  stopped early: ${shortOf(report)}`] : []),
    `  ${[
      count('runs', report.runs),
      count('entries', report.entries),
      `${count('messages', report.messages)} (${formatBytes(report.bytes)})`,
      count('starts of agents', report.boots),
      count('starts of the gateway', report.gatewayStarts),
    ].join(' · ')}`,
    `  ${Object.entries(report.mishaps)
      .map(([what, number]) => `${what} ${formatCount(number)}`)
      .join(' · ')}`,
    `    ${'LOOKS'.padStart(3 + LOOKS_CHARS)}  PROMISE`,
    ...promises,
    ...violations.map(({ promise, device, what }) => `  violated  ${promise} ${device}: ${what}`),
    `  catch-up  ${catchUpLine(report)}`,
    ...(report.isReal ? [] : [`  trace     ${report.digest}`]),
    `  again     ${again}`,
  ];
  return lines
    .map((each) => (typeof each === 'string' ? ([each, INDENT] as const) : each))
    .map(([line, indent]) => wrapLine(line, width, indent))
    .join('\n');
}

const LOOKS_CHARS = 12;
const PROMISE_COLUMN = 21;
/** Of what goes on in the next line. */
const INDENT = 12;

/** A fleet of real processes is healed and judged also then. */
function shortOf({ isReal }: SimulationReport): string {
  return isReal ? 'what had been was judged' : 'the end was not judged';
}
