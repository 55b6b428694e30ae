import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

/** What is seldom needed, behind a button: it closes when somebody goes on elsewhere. */
export function Menu(props: { readonly title: string; readonly children: ComponentChildren }) {
  const details = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (details.current !== null) details.current.open = false;
  };
  const left = ({ relatedTarget }: FocusEvent) => {
    // A press on what takes no focus, such as a label, leaves it for nothing.
    if (relatedTarget instanceof Node && !details.current?.contains(relatedTarget)) close();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    close();
    details.current?.querySelector('summary')?.focus();
  };
  // What was chosen is under way; of boxes that are ticked there may be several.
  const chose = ({ target }: MouseEvent) => {
    if (target instanceof HTMLButtonElement) close();
  };
  return (
    <details class="menu" ref={details} onFocusOut={left} onKeyDown={pressed}>
      <summary>{props.title}</summary>
      <div class="menu-items" onClick={chose}>
        {props.children}
      </div>
    </details>
  );
}
