import { formatCount, formatDuration } from '@holdfast/protocol';
import type { Happened } from '../virtual/timeline.ts';
import type { Sample } from '../virtual/observer.ts';
import { xml } from './junit.ts';

const [WIDTH, HEIGHT, LEFT, FOOT] = [900, 200, 60, 24];
const INNER = WIDTH - LEFT - 10;

function frame(height: number, title: string, body: readonly string[]): string {
  const box = `viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${xml(title)}"`;
  return [`<svg ${box}><title>${xml(title)}</title>`, ...body, '</svg>'].join('\n');
}

/** Marks of time below a plot. */
function timeAxis(endMs: number, height: number, left = LEFT): string[] {
  const inner = WIDTH - left - 10;
  return [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    const at = `x="${left + share * inner}" y="${height - 6}" text-anchor="${anchor}"`;
    return `<text ${at}>${share === 0 ? '0' : formatDuration(share * endMs)}</text>`;
  });
}

/** Journaled and not acknowledged, over time; how many were offline behind it. */
export function backlogPlot(samples: readonly Sample[], devices: number): string {
  const endMs = samples.at(-1)?.atMs ?? 1;
  const most = Math.max(1, ...samples.map(({ pending }) => pending));
  const low = HEIGHT - FOOT;
  const x = (ms: number): string => (LEFT + (INNER * ms) / endMs).toFixed(1);
  const y = (share: number): string => (low - (low - 10) * share).toFixed(1);
  const line = (valueOf: (sample: Sample) => number): string =>
    samples.map((sample) => `${x(sample.atMs)},${y(valueOf(sample))}`).join(' ');
  const area = `${x(0)},${low} ${line(({ offline }) => offline / devices)} ${x(endMs)},${low}`;
  return frame(HEIGHT, 'Backlog over time', [
    `<polygon class="offline" points="${area}"/>`,
    `<polyline class="pending" points="${line(({ pending }) => pending / most)}"/>`,
    `<text x="${LEFT - 6}" y="16" text-anchor="end">${formatCount(most)}</text>`,
    `<text x="${LEFT - 6}" y="${low}" text-anchor="end">0</text>`,
    ...timeAxis(endMs, HEIGHT),
  ]);
}

/** How long devices took to have nothing pending: bars that double in width. */
export function catchUpPlot(counts: readonly number[]): string {
  const classes = Math.max(1, counts.length);
  const most = Math.max(1, ...counts);
  const low = HEIGHT - FOOT;
  const width = INNER / classes;
  const bars = counts.flatMap((count, at) => {
    const height = ((low - 20) * count) / most;
    const x = LEFT + at * width;
    const box = `x="${(x + 1).toFixed(1)}" y="${(low - height).toFixed(1)}"`;
    const size = `width="${(width - 2).toFixed(1)}" height="${height.toFixed(1)}"`;
    const range = `up to ${formatDuration(2 ** (at + 1))}: ${formatCount(count)}`;
    const middle = (x + width / 2).toFixed(1);
    const label = at % 3 === 0 ? formatDuration(2 ** (at + 1)) : '';
    return [
      `<rect class="bar" ${box} ${size}><title>${range}</title></rect>`,
      `<text x="${middle}" y="${HEIGHT - 6}" text-anchor="middle">${label}</text>`,
    ];
  });
  return frame(HEIGHT, 'Time to catch up', [
    `<text x="${LEFT - 6}" y="20" text-anchor="end">${formatCount(most)}</text>`,
    ...bars,
  ]);
}

const ROW = 18;

/** What went wrong and when, a row for each kind. */
export function timelinePlot(timeline: readonly Happened[], endMs: number): string {
  const kinds = [...new Set(timeline.map(({ kind }) => kind))];
  const height = kinds.length * ROW + FOOT + 4;
  const left = 110;
  const inner = WIDTH - left - 10;
  const rows = kinds.flatMap((kind, row) => {
    const y = row * ROW + 4;
    const marks = timeline
      .filter((each) => each.kind === kind)
      .map(({ fromMs, toMs, device }) => {
        const x = left + (inner * fromMs) / endMs;
        const width = Math.max(1, (inner * ((toMs ?? endMs) - fromMs)) / endMs);
        const box = `x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 5}"`;
        const until = toMs === null ? 'the end' : formatDuration(toMs);
        const what = `${kind} ${device || 'of all'}, ${formatDuration(fromMs)} to ${until}`;
        return `<rect class="fault" ${box}><title>${xml(what)}</title></rect>`;
      });
    return [`<text x="${left - 6}" y="${y + 10}" text-anchor="end">${xml(kind)}</text>`, ...marks];
  });
  return frame(height, 'What went wrong, and when', [...rows, ...timeAxis(endMs, height, left)]);
}
