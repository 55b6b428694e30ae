import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ShownProblem } from './shown.ts';

/** States of devices and runs, each with a sign: colour alone would not reach everybody. */
const signs: Readonly<Record<string, readonly [sign: string, tone: string]>> = {
  synced: ['✓', 'good'],
  syncing: ['●', 'live'],
  offline: ['◌', 'calm'],
  new: ['○', 'calm'],
  unknown: ['?', 'calm'],
  stuck: ['✗', 'bad'],
  conflict: ['✗', 'bad'],
  revoked: ['✗', 'bad'],
  completed: ['✓', 'good'],
  failed: ['✗', 'bad'],
  cancelled: ['–', 'calm'],
  running: ['●', 'live'],
  retrying: ['↻', 'watch'],
  paused: ['‖', 'watch'],
};

export function State({ of: state }: { readonly of: string }) {
  const [sign, tone] = signs[state] ?? ['…', 'calm'];
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{sign}</span> {state}
    </span>
  );
}

export function ProblemNote({ problem }: { readonly problem: ShownProblem | undefined }) {
  if (problem === undefined) return null;
  const what = problem.detail === '' ? problem.title : problem.detail;
  return (
    <p class="note bad" role="alert">
      <strong>{sentence(what)}</strong> {problem.hint}{' '}
      <code>{problem.code}</code>
    </p>
  );
}

/** Beginning with a capital, and with an end. */
export function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What it is sorted by; without, it is not. */
  readonly by?: (row: T) => number | string;
  /** Numbers stand to the right. */
  readonly isNumber?: boolean;
  /** Narrow screens go without it. */
  readonly isWide?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** What is said when there are no rows. */
  readonly empty: string;
}

/** More rows than a person reads make a page slow, and are a search away. */
const ROWS_SHOWN = 200;

/** A table that sorts by the column whose head is pressed. */
export function Table<T>({ label, columns, rows, keyOf, empty }: TableProps<T>) {
  const [sort, setSort] = useState<{ at: number; isUp: boolean } | undefined>();
  const [shown, setShown] = useState(ROWS_SHOWN);
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const sorted = sort === undefined ? rows : sortRows(rows, columns[sort.at]?.by, sort.isUp);
  const press = (at: number) => setSort({ at, isUp: sort?.at === at ? !sort.isUp : true });
  const order = (at: number) =>
    sort?.at === at ? (sort.isUp ? 'ascending' : 'descending') : 'none';
  const classOf = ({ isNumber, isWide }: Column<T>) =>
    [isNumber === true ? 'number' : '', isWide === true ? 'wide' : ''].join(' ').trim();
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption class="hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th
                scope="col"
                class={classOf(column)}
                {...(column.by && { 'aria-sort': order(at) })}
              >
                {column.by === undefined ? (
                  column.title
                ) : (
                  <button type="button" onClick={() => press(at)}>
                    {column.title}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, shown).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td class={classOf(column)}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown && (
        <button type="button" onClick={() => setShown(shown + 1_000)}>
          Show more of {sorted.length}
        </button>
      )}
    </div>
  );
}

function sortRows<T>(
  rows: readonly T[],
  by: ((row: T) => number | string) | undefined,
  isUp: boolean,
): readonly T[] {
  if (by === undefined) return rows;
  const sign = isUp ? 1 : -1;
  return rows.toSorted((a, b) => {
    const [left, right] = [by(a), by(b)];
    return left < right ? -sign : left > right ? sign : 0;
  });
}

/** Numbers that filter what is below them. */
export function Tiles(props: {
  readonly label: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly chosen: string | undefined;
  readonly choose: (state: string | undefined) => void;
}) {
  const { label, counts, chosen, choose } = props;
  return (
    <div class="tiles" role="group" aria-label={label}>
      {[...counts].map(([state, count]) => (
        <button
          type="button"
          class="tile"
          aria-pressed={chosen === state}
          onClick={() => choose(chosen === state ? undefined : state)}
        >
          <b>{count}</b> <State of={state} />
        </button>
      ))}
    </div>
  );
}

/** How many of each. */
export function countBy<T>(
  rows: readonly T[],
  of: (row: T) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  return counts;
}

export function Facts({
  rows,
}: {
  readonly rows: readonly (readonly [string, ComponentChildren])[];
}) {
  return (
    <dl>
      {rows.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}
