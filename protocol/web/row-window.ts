import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** More rows than these are drawn only where somebody looks. */
export const WINDOWED_ROWS_MIN = 200;
/** Drawn above and below what is seen, for those who scroll or go on by keys. */
const BESIDE = 40;
/** Rows come and go by so many at once. */
const STRIDE = 20;
const HEIGHT_PX = 36;

export interface RowWindow {
  /** First row that is drawn, and the first behind it that is not. */
  readonly from: number;
  readonly to: number;
  /** Of a row. */
  readonly heightPx: number;
}

/** Which rows of a long table, or lines of a long list, are drawn, by what is seen of it. */
export function useRowWindow(
  count: number,
  body: RefObject<HTMLElement | null>,
): RowWindow | undefined {
  const isLong = count > WINDOWED_ROWS_MIN;
  const [seen, setSeen] = useState<RowWindow>({ from: 0, to: 0, heightPx: HEIGHT_PX });
  useEffect(() => {
    if (!isLong) return undefined;
    let frame = 0;
    const look = () => {
      frame = 0;
      const next = body.current === null ? undefined : windowOf(body.current);
      if (next !== undefined) setSeen((known) => (isSame(known, next) ? known : next));
    };
    const soon = () => (frame ||= requestAnimationFrame(look));
    look();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [isLong]);
  if (!isLong) return undefined;
  // A list that has become shorter is seen at its end.
  const to = Math.min(count, Math.max(seen.to, STRIDE));
  return { ...seen, from: Math.min(seen.from, Math.max(0, to - STRIDE)), to };
}

function windowOf(body: HTMLElement): RowWindow {
  const row = body.querySelector(':scope > :not(.spacer)');
  const heightPx = row?.getBoundingClientRect().height || HEIGHT_PX;
  const { top } = body.getBoundingClientRect();
  const first = Math.floor(-top / heightPx) - BESIDE;
  const last = Math.ceil((innerHeight - top) / heightPx) + BESIDE;
  const from = Math.max(0, Math.floor(first / STRIDE) * STRIDE);
  return { from, to: Math.max(0, Math.ceil(last / STRIDE) * STRIDE), heightPx };
}

function isSame(a: RowWindow, b: RowWindow): boolean {
  return a.from === b.from && a.to === b.to && Math.abs(a.heightPx - b.heightPx) < 0.5;
}
