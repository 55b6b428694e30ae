import { useEffect, useState } from 'preact/hooks';
import type { ShownProblem } from './shown.ts';

/** What a page has asked for: the last answer, and what went wrong since. */
export interface Live<T> {
  readonly data: T | undefined;
  readonly problem: ShownProblem | undefined;
  /** Asks again at once. */
  readonly refresh: () => void;
}

export interface Asking<T> {
  /** Names what is asked for; `undefined`: nothing, for now. */
  readonly key: string | undefined;
  readonly ask: () => Promise<T>;
  readonly everyMs: number;
  readonly problemOf: (error: unknown) => ShownProblem;
  /** Tells when something has changed. @returns What ends that. */
  readonly onChange?: (listener: () => void) => () => void;
}

/** Changes come in bursts. */
const AFTER_CHANGE_MS = 300;

interface State<T> {
  readonly key?: string;
  readonly data?: T;
  readonly problem?: ShownProblem | undefined;
}

/**
 * Asks when something has changed, and now and again, for as long as the page is there and somebody
 * looks at it.
 */
export function useLive<T>(asking: Asking<T>): Live<T> {
  const { key, ask, everyMs, problemOf, onChange } = asking;
  const [state, setState] = useState<State<T>>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (key === undefined) return undefined;
    return keepAsking({
      everyMs,
      onChange,
      ask: async (isOver) => {
        try {
          const data = await ask();
          if (!isOver()) setState({ key, data });
        } catch (error) {
          const problem = problemOf(error);
          // What was known stays on the page, with the word that it may be old.
          if (!isOver()) {
            setState((known) => (known.key === key ? { ...known, problem } : { key, problem }));
          }
        }
      },
    });
  }, [key, everyMs, round]);
  const isOfKey = state.key === key;
  return {
    data: isOfKey ? state.data : undefined,
    problem: isOfKey ? state.problem : undefined,
    refresh: () => setRound(round + 1),
  };
}

interface Rounds extends Pick<Asking<unknown>, 'everyMs'> {
  readonly onChange: ((listener: () => void) => () => void) | undefined;
  /** Never rejects. */
  readonly ask: (isOver: () => boolean) => Promise<void>;
}

function keepAsking({ everyMs, onChange, ask }: Rounds): () => void {
  let isOver = false;
  let isSoon = false;
  let isAsking = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = async (): Promise<void> => {
    clearTimeout(timer);
    isSoon = false;
    isAsking = true;
    if (!document.hidden) await ask(() => isOver);
    isAsking = false;
    if (isOver) return;
    timer = setTimeout(() => void next(), isSoon ? AFTER_CHANGE_MS : everyMs);
  };
  const askSoon = (): void => {
    // A fleet that changes without pause is not to keep a page waiting for one.
    if (isSoon) return;
    isSoon = true;
    // An answer that is on its way may be of before the change: the next question follows it.
    if (isAsking) return;
    clearTimeout(timer);
    timer = setTimeout(() => void next(), AFTER_CHANGE_MS);
  };
  const seen = (): void => {
    if (!document.hidden) askSoon();
  };
  document.addEventListener('visibilitychange', seen);
  const stop = onChange?.(askSoon);
  void next();
  return () => {
    isOver = true;
    stop?.();
    document.removeEventListener('visibilitychange', seen);
    clearTimeout(timer);
  };
}
