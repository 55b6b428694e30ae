import type { ComponentChildren } from 'preact';

export interface Tab {
  readonly title: string;
  readonly show: () => ComponentChildren;
}

/** One of several panels. Arrows go from tab to tab, as those expect who do without a mouse. */
export function Tabs(props: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  /** Title of the one that is shown. */
  readonly chosen: string;
  readonly choose: (title: string) => void;
}) {
  const { label, tabs, chosen, choose } = props;
  const at = Math.max(
    0,
    tabs.findIndex(({ title }) => title === chosen),
  );
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = placeAfter(event.key, at, tabs.length);
    if (next === undefined) return;
    event.preventDefault();
    choose(tabs[next]?.title ?? chosen);
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
            onClick={() => choose(title)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${tabs[at]?.title}`}>
        {tabs[at]?.show()}
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
