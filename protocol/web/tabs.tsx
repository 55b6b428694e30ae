import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

export interface Tab {
  readonly title: string;
  readonly show: () => ComponentChildren;
}

/** One of several panels. Arrows go from tab to tab, as those expect who do without a mouse. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }) {
  const [at, setAt] = useState(0);
  const chosen = tabs[at] ?? tabs[0];
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = placeAfter(event.key, at, tabs.length);
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
    event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div role="tablist" aria-label={label} class="tabs" onKeyDown={onKeyDown}>
        {tabs.map(({ title }, place) => (
          <button
            key={title}
            type="button"
            role="tab"
            id={`tab-${title}`}
            aria-controls="panel"
            aria-selected={place === at}
            tabIndex={place === at ? 0 : -1}
            onClick={() => setAt(place)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${chosen?.title}`}>
        {chosen?.show()}
      </div>
    </>
  );
}

function placeAfter(key: string, at: number, count: number): number | undefined {
  if (key === 'ArrowRight') return (at + 1) % count;
  if (key === 'ArrowLeft') return (at + count - 1) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : undefined;
}
