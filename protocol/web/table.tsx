import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useRowWindow } from './row-window.ts';

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

interface Sort {
  readonly at: number;
  readonly isUp: boolean;
}

/** A table that sorts by the column whose head is pressed; of a long one what is seen is drawn. */
export function Table<T>({ label, columns, rows, keyOf, empty }: TableProps<T>) {
  const [sort, setSort] = useState<Sort | undefined>();
  const body = useRef<HTMLTableSectionElement>(null);
  const seen = useRowWindow(rows.length, body);
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const sorted = sort === undefined ? rows : sortRows(rows, columns[sort.at]?.by, sort.isUp);
  const { from, to, heightPx } = seen ?? { from: 0, to: rows.length, heightPx: 0 };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table {...(seen && { 'aria-rowcount': rows.length + 1 })}>
        <caption class="hidden">{label}</caption>
        <Head columns={columns} sort={sort} setSort={setSort} />
        <tbody ref={body}>
          {from > 0 && <Spacer heightPx={from * heightPx} />}
          {sorted.slice(from, to).map((row, index) => (
            <tr key={keyOf(row)} {...(seen && { 'aria-rowindex': from + index + 2 })}>
              {columns.map((column) => (
                <td class={classOf(column)}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
          {to < rows.length && <Spacer heightPx={(rows.length - to) * heightPx} />}
        </tbody>
      </table>
    </div>
  );
}

/** Takes the place of rows that are not drawn. */
function Spacer({ heightPx }: { readonly heightPx: number }) {
  return (
    <tr class="spacer" aria-hidden="true">
      <td style={{ height: `${heightPx}px` }} />
    </tr>
  );
}

function Head<T>(props: {
  readonly columns: readonly Column<T>[];
  readonly sort: Sort | undefined;
  readonly setSort: (sort: Sort) => void;
}) {
  const { columns, sort, setSort } = props;
  const press = (at: number) => setSort({ at, isUp: sort?.at === at ? !sort.isUp : true });
  const order = (at: number) =>
    sort?.at === at ? (sort.isUp ? 'ascending' : 'descending') : 'none';
  return (
    <thead>
      <tr>
        {columns.map((column, at) => (
          <th
            key={column.title}
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
  );
}

function classOf<T>({ isNumber, isWide }: Column<T>): string {
  return [isNumber === true ? 'number' : '', isWide === true ? 'wide' : ''].join(' ').trim();
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

/** Of a list of which only a part is here: sorted, that part would look like the whole. */
export function unsorted<T>(columns: readonly Column<T>[]): readonly Column<T>[] {
  return columns.map(({ title, cell, isNumber = false, isWide = false }) => {
    return { title, cell, isNumber, isWide };
  });
}
