import { renderTable } from '@holdfast/protocol';
import { pageOf } from '../page.ts';
import { numberText } from '../result-text.ts';
import { verdictOf, type Curve, type Point } from './curve.ts';
import { plot } from './plot.ts';

/** A curve as it was measured. */
export interface Measured {
  readonly curve: Curve;
  readonly points: readonly Point[];
  /** Part of the machine that was busy with other work meanwhile, 0 to 1. */
  readonly otherLoad: number;
}

const valuesOf = ({ points }: Measured, name: string): number[] =>
  points.map(({ values }) => values[name] ?? Number.NaN);

/** What is said of a measure beside its values. */
function verdictText(measured: Measured, name: string): string {
  const measure = measured.curve.measures[name];
  const verdict = measure && verdictOf(measure, valuesOf(measured, name));
  if (verdict === undefined) return '';
  return `${verdict.held ? 'flat' : 'NOT FLAT'}: × ${verdict.factor.toFixed(2)} at worst`;
}

export function tableOf(measured: Measured): string {
  const { curve, points, otherLoad } = measured;
  const columns = [
    { title: curve.name },
    ...points.map(({ x }) => ({ title: numberText(x), align: 'right' as const })),
    { title: '' },
  ];
  const rows = Object.entries(curve.measures).map(([name, { unit }]) => [
    `${name}, ${unit}`,
    ...valuesOf(measured, name).map(numberText),
    verdictText(measured, name),
  ]);
  const load = `other load ${Math.round(otherLoad * 100)} %`;
  const about = `${curve.about} (${load})`;
  return `${about}\n${renderTable(columns, rows, { width: 140, color: false })}`;
}

/** What `--json` ends with, and the file has. */
export function resultsOf(all: readonly Measured[]): object {
  return {
    curves: all.map((measured) => {
      const { name, about, of, measures } = measured.curve;
      const told = Object.entries(measures).map(([key, { unit, grows }]) => {
        const verdict = verdictOf(measures[key]!, valuesOf(measured, key)); // It is its own key.
        return { name: key, unit, grows, ...verdict };
      });
      const { points, otherLoad } = measured;
      return { name, about, of, measures: told, points, otherLoad };
    }),
  };
}

export function growthPage(all: readonly Measured[]): string {
  const sections = all.map((measured) => {
    const { curve, points } = measured;
    const plots = Object.entries(curve.measures).map(([label, { unit }]) =>
      plot({ label, unit, points: points.map(({ x, values }) => [x, values[label] ?? 0]) }),
    );
    const verdicts = Object.keys(curve.measures)
      .map((name) => [name, verdictText(measured, name)])
      .filter(([, text]) => text !== '')
      .map(([name, text]) => `${name} ${text}`);
    return `<h2>${curve.about}</h2>
<p>By ${curve.of}. ${verdicts.join('; ')}.</p>
<div class="plots">${plots.join('\n')}</div>`;
  });
  return pageOf('How Holdfast’s costs grow', sections.join('\n'));
}
