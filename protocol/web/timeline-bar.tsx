import { placeOn, type Segment, type Span, type Stretch } from './timeline.ts';

const WIDTH = 1_000;
const HEIGHT = 12;
/** What is narrower is not seen. */
const NARROW = 3;

/** What every line of a timeline has behind it. */
export interface Backdrop {
  readonly axis: readonly Segment[];
  /** Paths: waits that are drawn short, and when the device was ahead of the gateway. */
  readonly waits: string;
  readonly ahead: string;
}

export function backdropOf(axis: readonly Segment[], ahead: readonly Stretch[]): Backdrop {
  const waits = axis.filter(({ isCollapsed }) => isCollapsed);
  const places = ahead.map(({ fromMs, toMs }) => [placeOn(axis, fromMs), placeOn(axis, toMs)]);
  const drawn: [from: number, to: number][] = [];
  for (const [start = 0, end = 0] of places) {
    const from = Math.round(start * WIDTH);
    const to = Math.max(from + NARROW, Math.round(end * WIDTH));
    const last = drawn.at(-1);
    // However many there are, no more are drawn than can be told apart.
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else drawn.push([from, to]);
  }
  return {
    axis,
    waits: waits.map(({ from, to }) => boxOf(from * WIDTH, to * WIDTH)).join(''),
    ahead: drawn.map(([from, to]) => boxOf(from, to)).join(''),
  };
}

function boxOf(from: number, to: number): string {
  return `M${from.toFixed(1)} 0h${(to - from).toFixed(1)}v${HEIGHT}h${(from - to).toFixed(1)}z`;
}

/** Drawn, since a length is no word of CSS that a strict page may be told in. */
export function Bar({ span, on }: { readonly span: Span; readonly on: Backdrop }) {
  const { axis, waits, ahead } = on;
  const from = placeOn(axis, span.fromMs) * WIDTH;
  const to = (span.toMs === undefined ? 1 : placeOn(axis, span.toMs)) * WIDTH;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {waits !== '' && <path class="wait" d={waits} />}
      {ahead !== '' && <path class="ahead" d={ahead} />}
      <rect
        class={`bar ${span.kind} ${span.state}`}
        x={Math.min(from, WIDTH - NARROW)}
        y="2"
        width={Math.max(NARROW, to - from)}
        height="8"
      />
    </svg>
  );
}
