import { useEffect, useState } from 'preact/hooks';
import {
  ApiError,
  createClient,
  pathOf,
  unreachable,
  type AnswerOf,
  type ArgsOf,
  type Operations,
  type Problem,
} from '../src/client/client.ts';
import { onChange } from './changes.ts';

export { ApiError, type Problem };

/** Asks the gateway that served this page. */
export const api = createClient();

/** What a page has asked for: the last answer, and what went wrong since. */
export interface Live<T> {
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  /** Asks again at once. */
  readonly refresh: () => void;
}

/** What the gateway does not tell by itself, such as how far a device is behind. */
const EVERY_MS = 5_000;
/** Changes come in bursts. */
const AFTER_CHANGE_MS = 300;

interface State<K extends keyof Operations> {
  readonly path?: string;
  readonly data?: AnswerOf<K>;
  readonly problem?: Problem;
}

/**
 * Asks when something has changed, and now and again, for as long as the page is there and somebody
 * looks at it.
 *
 * @param args What is asked for; `undefined`: nothing, for now.
 */
export function useLive<K extends keyof Operations>(
  operation: K,
  args: ArgsOf<K> | undefined,
  everyMs = EVERY_MS,
): Live<AnswerOf<K>> {
  const path = args && pathOf(operation, ...args);
  const [state, setState] = useState<State<K>>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined || args === undefined) return undefined;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isSoon = false;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      isSoon = false;
      try {
        if (document.hidden) return;
        const data = await api.ask(operation, ...args);
        if (!isOver) setState({ path, data });
      } catch (error) {
        const problem = error instanceof ApiError ? error.problem : unreachable;
        if (problem.status === 401) location.reload();
        // What was known stays on the page, with the word that it may be old.
        if (!isOver) setState((known) => ({ ...known, path, problem }));
      } finally {
        if (!isOver && !isSoon) timer = setTimeout(() => void ask(), everyMs);
      }
    };
    const askSoon = (): void => {
      // A fleet that changes without pause is not to keep a page waiting for one.
      if (isSoon) return;
      isSoon = true;
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), AFTER_CHANGE_MS);
    };
    const stop = onChange(askSoon);
    void ask();
    return () => {
      isOver = true;
      stop();
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);
  const isOfPath = state.path === path;
  return {
    data: isOfPath ? state.data : undefined,
    problem: isOfPath ? state.problem : undefined,
    refresh: () => setRound(round + 1),
  };
}
