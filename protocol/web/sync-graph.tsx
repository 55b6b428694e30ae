import type { BacklogPoint } from './backlog-graph.tsx';
import { formatCount, formatDuration } from './format.ts';

/** How much there was from a moment on, until the next one. */
export interface SyncPoint extends BacklogPoint {
  /** Entries that were with the gateway; with those pending, it is all that was appended. */
  readonly arrived: number;
}

const [WIDTH, HEIGHT] = [1_000, 100];
/** What is shorter would draw two points as a wall. */
const RANGE_MS_MIN = 60_000;

/** What was appended and what has arrived, over time: what lies between is the backlog. */
export function SyncGraph(props: {
  /** The oldest first. */
  readonly points: readonly SyncPoint[];
  readonly nowMs: number;
}) {
  const { points, nowMs } = props;
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const fromMs = Math.min(first.atMs, nowMs - RANGE_MS_MIN);
  const appended = points.map(({ arrived, pending }) => arrived + pending);
  const arrived = points.map((point) => point.arrived);
  const [low, high] = [Math.min(...arrived), Math.max(...appended)];
  const x = (atMs: number) => (((atMs - fromMs) / (nowMs - fromMs)) * WIDTH).toFixed(1);
  const y = (count: number) =>
    (HEIGHT - 2 - ((count - low) / Math.max(1, high - low)) * (HEIGHT - 8)).toFixed(1);
  const stepsOf = (counts: readonly number[]) =>
    counts.map((count, at) => {
      const until = points[at + 1]?.atMs ?? nowMs;
      return `${x(points[at]?.atMs ?? nowMs)} ${y(count)}L${x(until)} ${y(count)}`;
    });
  const [upper, lower] = [stepsOf(appended), stepsOf(arrived)];
  const back = lower.toReversed().map((step) => step.split('L').toReversed().join('L'));
  const words = wordsOf(first, last, nowMs);
  return (
    <figure class="graph">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        <path class="between" d={`M${[...upper, ...back].join('L')}Z`} />
        <path class="appended" d={`M${upper.join('L')}`} />
        <path class="arrived" d={`M${lower.join('L')}`} />
      </svg>
      <figcaption>
        <span>{formatDuration(nowMs - fromMs)} ago</span>
        <span>{words}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

function wordsOf(first: SyncPoint, last: SyncPoint, nowMs: number): string {
  // Where a journal has begun anew, it is counted from there.
  const grown = (from: number, to: number) => formatCount(Math.max(0, to - from));
  const appended = grown(first.arrived + first.pending, last.arrived + last.pending);
  const arrived = grown(first.arrived, last.arrived);
  const span = formatDuration(Math.max(0, nowMs - first.atMs));
  return `${appended} appended (dashed), ${arrived} arrived (line) over ${span}`;
}
