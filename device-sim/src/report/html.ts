import { formatCount, formatDuration } from '@holdfast/protocol';
import { xml } from './junit.ts';
import { backlogPlot, catchUpPlot, timelinePlot } from './plots.ts';
import { judged, verdictOf, type SimulationReport, type Telling } from './report.ts';

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #6b7280; --line: #d0d5dc; --paper: #fff;
  --good: #0a7d33; --bad: #b3261e; --blue: #2563a8; --shade: #e3e8ef; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4b1; --line: #3a424d;
  --paper: #14181d; --good: #4cc271; --bad: #ff7b72; --blue: #6cb0ff; --shade: #262d36; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; } svg text { fill: var(--soft); }
.offline { fill: var(--shade); } .pending { fill: none; stroke: var(--blue); stroke-width: 2; }
.bar { fill: var(--blue); } .fault { fill: var(--bad); opacity: .7; }
.held { color: var(--good); } .broken { color: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
code { background: var(--shade); padding: .1rem .3rem; border-radius: 3px; }`;

/** A report as one page that needs nothing else, and no network. */
export function htmlOf(report: SimulationReport, { again, tookMs }: Telling): string {
  const { scenario, seed, devices, virtualMs, violations } = report;
  const isHeld = violations.length === 0;
  const verdict = isHeld
    ? '<span class="held">held</span>'
    : '<span class="broken">violated</span>';
  const kind = report.isReal ? 'real processes' : 'virtual';
  const size = `${formatCount(devices)} devices × ${formatDuration(virtualMs)} (${kind})`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${xml(scenario)}, seed ${seed}: ${isHeld ? 'held' : 'violated'}</title>`,
    `<style>${style}</style></head><body>`,
    `<h1>${xml(scenario)}, seed ${seed}: ${verdict}</h1>`,
    `<p>${size} in ${formatDuration(tookMs)}. Again: <code>${xml(again)}</code></p>`,
    `<p>${countsOf(report).join(' · ')}</p>`,
    ...(report.isCutShort ? ['<p>It was stopped early.</p>'] : []),
    '<h2>Backlog over time</h2>',
    '<p>The line: entries that are journaled and not acknowledged. Behind it: devices offline.</p>',
    backlogPlot(report.samples, devices),
    '<h2>Time to catch up</h2>',
    `<p>${catchUpLine(report)}</p>`,
    catchUpPlot(report.catchUp.histogram),
    '<h2>What went wrong, and when</h2>',
    timelinePlot(report.timeline, Math.max(1, report.virtualMs)),
    '<h2>Promises</h2>',
    promisesTable(report),
    '<h2>Devices</h2>',
    devicesTable(report),
    '</body></html>',
    '',
  ].join('\n');
}

function countsOf(report: SimulationReport): string[] {
  const counts = {
    runs: report.runs,
    entries: report.entries,
    messages: report.messages,
    'starts of agents': report.boots,
    'starts of the gateway': report.gatewayStarts,
    ...report.mishaps,
  };
  return Object.entries(counts).map(([what, count]) => `${xml(what)} ${formatCount(count)}`);
}

export function catchUpLine({ catchUp }: SimulationReport): string {
  const { count, p50Ms, p95Ms, p99Ms, worst } = catchUp;
  if (worst === null) return 'No device was ever behind when it connected.';
  const [p50, p95, p99] = [p50Ms, p95Ms, p99Ms].map(formatDuration);
  const entries = `${formatCount(worst.entries)} entries`;
  const last = `worst ${formatDuration(worst.tookMs)} (${worst.device}, ${entries})`;
  return `${formatCount(count)} times: p50 ${p50}, p95 ${p95}, p99 ${p99}, ${last}`;
}

function promisesTable(report: SimulationReport): string {
  const { violations, checked } = report;
  const rows = judged.map(([promise, what]) => {
    const result = verdictOf(report, promise);
    const looks = `<td class="number">${formatCount(checked[promise] ?? 0)}</td>`;
    const cell = `<td class="${result}">${result}</td>`;
    return `<tr><td>${promise}</td><td>${xml(what)}</td>${looks}${cell}</tr>`;
  });
  const list = violations.map(
    ({ promise, device, what }) =>
      `<li class="broken">${xml(`${promise} ${device}: ${what}`)}</li>`,
  );
  const head = '<tr><th></th><th>promise</th><th class="number">looks</th><th></th></tr>';
  return `${scrolled([head, ...rows])}<ul>${list.join('')}</ul>`;
}

function scrolled(rows: readonly string[]): string {
  return `<div class="scroll"><table>${rows.join('')}</table></div>`;
}

const DEVICES_MAX = 1_000;

function devicesTable({ fleet }: SimulationReport): string {
  const titles = ['entries', 'most pending', 'runs', 'starts', 'catch-ups', 'worst catch-up'];
  const heads = titles.map((title) => `<th class="number">${title}</th>`).join('');
  const rows = fleet.slice(0, DEVICES_MAX).map((each) => {
    const { entries, pendingMax, runs, boots, catchUps, worstCatchUpMs, violations } = each;
    const values = [entries, pendingMax, runs, boots, catchUps].map(formatCount);
    const cells = [...values, formatDuration(worstCatchUpMs)];
    const numbers = cells.map((cell) => `<td class="number">${cell}</td>`).join('');
    const tone = violations > 0 ? ' class="broken"' : '';
    return `<tr><td${tone}>${xml(each.device)}</td>${numbers}</tr>`;
  });
  return scrolled([`<tr><th>device</th>${heads}</tr>`, ...rows]);
}
