import { useState } from 'preact/hooks';
import { Menu } from '../../protocol/web/menu.tsx';
import type { Column } from '../../protocol/web/table.tsx';
import { keep, readKept } from './kept.ts';

const KEPT_AS = 'holdfast.fleet-columns';
/** What each row is called by, and how it is. */
const ALWAYS = 2;

function readHidden(): ReadonlySet<string> {
  const kept = readKept(KEPT_AS);
  return new Set(Array.isArray(kept) ? kept.filter((each) => typeof each === 'string') : []);
}

/** The columns that somebody wants to see, in this browser, and what changes that. */
export function useColumns<T>(all: readonly Column<T>[]) {
  const [hidden, setHidden] = useState(readHidden);
  const show = (title: string, isShown: boolean) => {
    const others = [...hidden].filter((each) => each !== title);
    const next = isShown ? others : [...others, title];
    keep(KEPT_AS, next);
    setHidden(new Set(next));
  };
  const columns = all.filter(({ title }, at) => at < ALWAYS || !hidden.has(title));
  return { columns, hidden, show };
}

export function ColumnChoice<T>(props: {
  readonly all: readonly Column<T>[];
  readonly hidden: ReadonlySet<string>;
  readonly show: (title: string, isShown: boolean) => void;
}) {
  const { all, hidden, show } = props;
  return (
    <Menu title="Columns">
      {all.slice(ALWAYS).map(({ title }) => (
        <label key={title} class="check">
          <input
            type="checkbox"
            checked={!hidden.has(title)}
            onChange={({ currentTarget }) => show(title, currentTarget.checked)}
          />{' '}
          {title}
        </label>
      ))}
    </Menu>
  );
}
