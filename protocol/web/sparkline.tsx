import { formatCount } from './format.ts';

const [STEP, HEIGHT] = [4, 20];

/** The most that was pending in each hour, in bars; a dot for an hour of which nothing is known. */
export function Sparkline({ peaks }: { readonly peaks: readonly (number | null)[] }) {
  const most = Math.max(0, ...peaks.map((peak) => peak ?? 0));
  const isKnown = peaks.some((peak) => peak !== null);
  const words = isKnown ? `at most ${formatCount(most)} over ${peaks.length} h` : 'not known';
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${peaks.length * STEP} ${HEIGHT}`}
      role="img"
      aria-label={words}
    >
      <title>{words}</title>
      <path class="bars" d={peaks.map((peak, at) => barOf(peak, at, most)).join('')} />
      <path class="dots" d={peaks.map((peak, at) => (peak === null ? dotAt(at) : '')).join('')} />
    </svg>
  );
}

/** What was nothing is a line, so that it is told from what is not known. */
function barOf(peak: number | null, at: number, most: number): string {
  if (peak === null) return '';
  const height = 1 + Math.round((peak / Math.max(1, most)) * (HEIGHT - 2));
  return `M${at * STEP} ${HEIGHT}v${-height}h${STEP - 1}v${height}z`;
}

function dotAt(at: number): string {
  return `M${at * STEP + 1} ${HEIGHT - 3}h1.5v1.5h-1.5z`;
}
