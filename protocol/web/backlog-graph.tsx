import { formatCount, formatDuration, moment } from './format.ts';

/** How far behind somebody was from a moment on, until the next one. */
export interface BacklogPoint {
  readonly atMs: number;
  readonly pending: number;
  /** False: nothing was heard, and it may have been more. */
  readonly isHeard: boolean;
}

/** When nothing was heard. */
export interface Silence {
  readonly startMs: number;
  readonly endMs: number;
}

const [WIDTH, HEIGHT] = [1_000, 100];
/** What is shorter would draw two points as a wall. */
const RANGE_MS_MIN = 60_000;

/** Backlog over time, drawn and in words. */
export function BacklogGraph(props: {
  /** Whose it is, in the words of a heading. */
  readonly title: string;
  /** The oldest first. */
  readonly points: readonly BacklogPoint[];
  readonly nowMs: number;
  /** What it means that nothing was heard. */
  readonly silence: string;
  /** When nothing was heard, where that is known better than by the points. */
  readonly away?: readonly Silence[] | undefined;
}) {
  const { title, points, nowMs, silence, away } = props;
  const [first] = points;
  if (first === undefined) return <p class="empty">No backlog was reported yet.</p>;
  const fromMs = Math.min(first.atMs, nowMs - RANGE_MS_MIN);
  const most = points.reduce((top, point) => (point.pending > top.pending ? point : top), first);
  const place = (atMs: number) => ((atMs - fromMs) / (nowMs - fromMs)) * WIDTH;
  const height = (pending: number) => HEIGHT - (pending / Math.max(1, most.pending)) * (HEIGHT - 8);
  const mostAt = moment(new Date(most.atMs).toISOString());
  const mostText =
    most.pending === 0
      ? 'nothing was pending'
      : `at most ${formatCount(most.pending)} pending, ${mostAt}`;
  const span = `over ${formatDuration(nowMs - first.atMs)}`;
  const silent = (away ?? silencesOf(points, nowMs)).flatMap(({ startMs, endMs }) =>
    endMs > fromMs ? [{ startMs: Math.max(fromMs, startMs), endMs }] : [],
  );
  return (
    <figure class="graph">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} ${span}: ${mostText}`}
      >
        {silent.map(({ startMs, endMs }) => (
          <rect
            key={startMs}
            class="silent"
            x={place(startMs)}
            y="0"
            width={Math.max(2, place(endMs) - place(startMs))}
            height={HEIGHT}
          />
        ))}
        <path class="area" d={areaOf(points, { place, height, nowMs })} />
      </svg>
      <figcaption>
        <span>{formatDuration(nowMs - fromMs)} ago</span>
        <span>{mostText}</span>
        <span>now</span>
      </figcaption>
      {silent.length > 0 && (
        <p class="empty">Banded: {silence}</p>
      )}
    </figure>
  );
}

interface Scale {
  readonly place: (atMs: number) => number;
  readonly height: (pending: number) => number;
  readonly nowMs: number;
}

/** A number stays what it is until it is another one. */
function areaOf(points: readonly BacklogPoint[], { place, height, nowMs }: Scale): string {
  const steps = points.map(({ atMs, pending }, index) => {
    const until = place(points[index + 1]?.atMs ?? nowMs);
    const level = height(pending).toFixed(1);
    return `L${place(atMs).toFixed(1)} ${level}L${until.toFixed(1)} ${level}`;
  });
  return `M${place(points[0]?.atMs ?? nowMs).toFixed(1)} ${HEIGHT}${steps.join('')}V${HEIGHT}Z`;
}

/** When nothing was heard, by what is known of each point. */
function silencesOf(points: readonly BacklogPoint[], nowMs: number): readonly Silence[] {
  const silences: Silence[] = [];
  points.forEach(({ atMs, isHeard }, index) => {
    if (isHeard) return;
    const endMs = points[index + 1]?.atMs ?? nowMs;
    const last = silences.at(-1);
    if (last?.endMs === atMs) silences[silences.length - 1] = { ...last, endMs };
    else silences.push({ startMs: atMs, endMs });
  });
  return silences;
}
