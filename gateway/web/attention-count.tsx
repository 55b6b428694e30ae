import { useMuted } from './muted.ts';
import { useCauses } from './use-causes.ts';

/** Looked at for the count: it is asked on every page. */
const LOOKED_AT_MAX = 100;

/** How many causes need a person, behind the name of the page; nothing where none does. */
export function AttentionCount() {
  const { causes, isMore } = useCauses(LOOKED_AT_MAX, 'by the clock');
  const [muted] = useMuted();
  const count = causes.filter(({ key }) => !muted.has(key)).length;
  if (count === 0) return null;
  return (
    <>
      {' '}
      <span class="count">
        {count}
        {isMore && '+'}
      </span>
    </>
  );
}
