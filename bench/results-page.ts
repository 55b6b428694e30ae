import { escaped, pageOf } from './page.ts';
import type { Result } from './result.ts';
import { budgetText, loadText, numberText, ratioText } from './result-text.ts';

const [WIDTH, LABEL_WIDTH, ROW_HEIGHT, BAR_HEIGHT] = [860, 170, 24, 12];
const PLOT_WIDTH = WIDTH - LABEL_WIDTH - 90;
/** Powers of two to both sides of the budget. What is beyond stands at the edge. */
const DOUBLINGS = 4;

/** One HTML page, complete in itself: a plot of how far each budget is held, and the table. */
export function resultsPage(results: readonly Result[]): string {
  return pageOf(
    'Holdfast benchmarks',
    `<p>Ours beside what a bare program reached in the same run; <code>bench/README.md</code> says
what is counted.</p>
<h2>How far each budget is held</h2>
${plot(results)}
<h2>Figures</h2>
${table(results)}`,
  );
}

/** Each row's figure as a multiple of its budget, where more is better, on a scale of doublings. */
function plot(results: readonly Result[]): string {
  const height = ROW_HEIGHT * (results.length + 1);
  const ticks = Array.from({ length: 2 * DOUBLINGS + 1 }, (_, index) => index - DOUBLINGS);
  const lines = ticks.map((doublings) => {
    const [x, isBudget] = [xOf(2 ** doublings), doublings === 0];
    const times = doublings > 0 ? `×${2 ** doublings}` : `÷${2 ** -doublings}`;
    const label = isBudget ? 'budget' : times;
    return `<line x1="${x}" x2="${x}" y1="0" y2="${height - ROW_HEIGHT}" stroke="#888"
      stroke-width="${isBudget ? 2 : 0.4}"/>
    <text x="${x}" y="${height - 6}" text-anchor="middle">${label}</text>`;
  });
  const about = 'Each row as a multiple of its budget';
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${about}">
${lines.join('\n')}
${results.map(bar).join('\n')}
</svg>`;
}

function bar(each: Result, index: number): string {
  const value = each.of === 'ratio' ? (each.ratio ?? Number.NaN) : each.ours;
  const top = index * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
  const [from, to] = [xOf(1), xOf(shareOf(each, value))].toSorted((a, b) => a - b);
  const color = each.held ? '#2e7d32' : '#b3261e';
  const shown = each.of === 'ratio' ? ratioText(each) : numberText(each.ours);
  return `<text x="0" y="${top + BAR_HEIGHT - 2}">${escaped(each.name)}</text>
<rect x="${from}" y="${top}" width="${Math.max(2, (to ?? 0) - (from ?? 0))}" height="${BAR_HEIGHT}"
  fill="${color}"/>
${spread(each, top + BAR_HEIGHT / 2)}
<text x="${WIDTH}" y="${top + BAR_HEIGHT - 2}" text-anchor="end">${escaped(shown)}</text>`;
}

/** From the worst pair to the best. */
function spread(each: Result, y: number): string {
  const ends = [each.facts['lowest ratio'], each.facts['highest ratio']];
  const [a, b] = ends.map((ratio) => xOf(shareOf(each, ratio ?? Number.NaN)));
  if (each.of !== 'ratio' || ends.includes(undefined)) return '';
  return `<line x1="${a}" x2="${b}" y1="${y}" y2="${y}" stroke="#888" stroke-width="2"/>`;
}

/** 1: the budget is just held; above it, with room to spare. */
function shareOf({ better, budget }: Result, value: number): number {
  return better === 'higher' ? value / budget : budget / value;
}

function xOf(share: number): number {
  // Where nothing may be lost and nothing is, there is nothing to divide by.
  const doublings = Number.isNaN(share) ? 0 : Math.log2(Math.max(share, Number.MIN_VALUE));
  const bounded = Math.min(DOUBLINGS, Math.max(-DOUBLINGS, doublings));
  return Math.round(LABEL_WIDTH + (PLOT_WIDTH * (bounded + DOUBLINGS)) / (2 * DOUBLINGS));
}

function table(results: readonly Result[]): string {
  const heads = ['benchmark', 'ours', 'limit', 'unit', 'ratio', 'budget', 'held', 'other load'];
  const rows = results.map((each) => {
    const cells = [numberText(each.ours), numberText(each.limit), each.unit, ratioText(each)];
    const held = `<td${each.held ? '>yes' : ' class="no">no'}</td>`;
    const texts = [...cells, budgetText(each)].map((text) => `<td>${escaped(text)}</td>`);
    const load = `<td>${loadText(each)}</td>`;
    return `<tr><td>${escaped(each.name)}</td>${texts.join('')}${held}${load}</tr>
<tr><td class="text" colspan="8">${escaped(each.about)}${escaped(factsText(each))}</td></tr>`;
  });
  const head = heads.map((each) => `<th>${each}</th>`).join('');
  return `<table>\n<tr>${head}</tr>\n${rows.join('\n')}\n</table>`;
}

function factsText({ facts }: Result): string {
  const texts = Object.entries(facts).map(([name, value]) => `${name} ${numberText(value)}`);
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`;
}
