import { numberText } from '../result-text.ts';

export interface Line {
  readonly label: string;
  readonly unit: string;
  /** By what there is more and more of; the first may be 0. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [420, 200, 70, 15, 28, 28];

/** Of the scale: powers of ten, with a place for nothing at all. */
const placeOf = (x: number): number => (x === 0 ? -1 : Math.log10(x));

/** A plot of one measure: a logarithmic axis below, the other begins at zero. */
export function plot({ label, unit, points }: Line): string {
  const xs = points.map(([x]) => placeOf(x));
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const top = Math.max(...points.map(([, y]) => y)) * 1.1;
  const right = (x: number): number =>
    Math.round(
      LEFT + ((placeOf(x) - least) / Math.max(1e-9, most - least)) * (WIDTH - LEFT - RIGHT),
    );
  const up = (y: number): number =>
    Math.round(HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM));
  const path = points.map(([x, y]) => `${right(x)},${up(y)}`).join(' ');
  const dots = points.map(([x, y]) => {
    const title = `<title>${numberText(x)}: ${numberText(y)} ${unit}</title>`;
    return `<circle cx="${right(x)}" cy="${up(y)}" r="4" fill="#1565c0">${title}</circle>
<text x="${right(x)}" y="${HEIGHT - 8}" text-anchor="middle">${shortText(x)}</text>`;
  });
  const lines = [0, 0.5, 1].map((share) => {
    const y = (share * top) / 1.1;
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(y)}" y2="${up(y)}" stroke="#8884"/>
<text x="${LEFT - 6}" y="${up(y) + 4}" text-anchor="end">${numberText(y)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}, ${unit}">
<text x="0" y="14">${label}, ${unit}</text>
${lines.join('\n')}
<polyline points="${path}" fill="none" stroke="#1565c0" stroke-width="2"/>
${dots.join('\n')}
</svg>`;
}

function shortText(x: number): string {
  if (x >= 1e6) return `${x / 1e6}M`;
  return x >= 1e3 ? `${x / 1e3}k` : String(x);
}
