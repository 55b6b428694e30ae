import { useState } from 'preact/hooks';

/** Where a page begins: what the page before said; `undefined`: at the first. */
type Start = string | undefined;

export interface Pages {
  readonly start: Start;
  readonly back: (() => void) | undefined;
  readonly go: (next: string) => void;
  /** To the first. */
  readonly reset: () => void;
}

/** The way through a list that comes page by page, and back. */
export function usePages(): Pages {
  const [starts, setStarts] = useState<readonly Start[]>([undefined]);
  return {
    start: starts.at(-1),
    back: starts.length === 1 ? undefined : () => setStarts(starts.slice(0, -1)),
    go: (next) => setStarts([...starts, next]),
    reset: () => setStarts([undefined]),
  };
}

/** `next`: what is behind this page; `null`: nothing. */
export function PageButtons(props: { readonly pages: Pages; readonly next: string | null }) {
  const { pages, next } = props;
  const forth = () => {
    if (next !== null) pages.go(next);
  };
  return (
    <>
      <button type="button" disabled={pages.back === undefined} onClick={pages.back}>
        Back
      </button>
      <button type="button" disabled={next === null} onClick={forth}>
        Next
      </button>
    </>
  );
}
