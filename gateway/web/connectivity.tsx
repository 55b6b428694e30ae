import { formatDuration } from '../../protocol/web/format.ts';
import { uptimeOf, type Presence } from './uptime.ts';

const [WIDTH, HEIGHT] = [1_000, 12];
/** What is narrower is not seen. */
const NARROW = 2;

/** When a device was there over the last week, drawn and in words. */
export function Connectivity({ of }: { readonly of: Presence }) {
  const uptime = uptimeOf(of);
  if (uptime === undefined) return null;
  const { fromMs, nowMs, outages, upPart, longestMs } = uptime;
  const place = (ms: number) => ((ms - fromMs) / (nowMs - fromMs)) * WIDTH;
  const longest = longestMs === 0 ? 'no outage' : `longest outage ${formatDuration(longestMs)}`;
  const percent = `${(Math.floor(upPart * 1_000) / 10).toFixed(1)} % up`;
  const words = `${percent} over ${formatDuration(nowMs - fromMs)}, ${longest}`;
  return (
    <p class="connectivity">
      <span>Connectivity</span>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Connectivity: ${words}`}
      >
        <rect class="up" width={WIDTH} height={HEIGHT} />
        {outages.map(({ startMs, endMs }) => (
          <rect
            key={startMs}
            class="down"
            x={place(startMs)}
            width={Math.max(NARROW, place(endMs) - place(startMs))}
            height={HEIGHT}
          />
        ))}
      </svg>
      <span>{words}</span>
    </p>
  );
}
