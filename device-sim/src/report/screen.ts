import { formatBytes, formatCount, formatDuration, paint } from '@holdfast/protocol';
import { catchUpLine } from './html.ts';
import { judged, verdictOf, type SimulationReport, type Telling } from './report.ts';

/** The end of a simulation, for people. */
export function simulationScreen(
  report: SimulationReport,
  { again, tookMs, color }: Telling & { readonly color: boolean },
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
    const looks = formatCount(checked[promise] ?? 0).padStart(11);
    return `  ${mark} ${promise.padEnd(3)} ${what.padEnd(83)}${looks}`;
  });
  return [
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
    `  ${'PROMISE'.padEnd(89)}  LOOKS`,
    ...promises,
    ...violations.map(({ promise, device, what }) => `  violated  ${promise} ${device}: ${what}`),
    `  catch-up  ${catchUpLine(report)}`,
    `  ${report.isReal ? '' : `trace ${report.digest}   `}again: ${again}`,
  ].join('\n');
}

/** A fleet of real processes is healed and judged also then. */
function shortOf({ isReal }: SimulationReport): string {
  return isReal ? 'what had been was judged' : 'the end was not judged';
}
