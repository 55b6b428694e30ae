import { useEffect, useState } from 'preact/hooks';
import { onChange } from './changes.ts';

/** What the API answers instead, when it does not do what was asked [RFC 9457]. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
}

/** An answer that is a problem, or none at all. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail === '' ? problem.title : problem.detail);
    this.problem = problem;
  }
}

const unreachable: Problem = {
  status: 0,
  code: 'HF_GATEWAY_UNREACHABLE',
  title: 'The gateway does not answer',
  detail: 'The gateway does not answer; what is shown may be old.',
  hint: 'It is asked again by itself.',
};

/** Asks the gateway that served this page. @throws ApiError */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  let response: Response;
  try {
    response = await fetch(path, { method, headers, credentials: 'same-origin', ...json });
  } catch {
    throw new ApiError(unreachable);
  }
  if (response.status === 204) return undefined as T;
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  throw new ApiError({ ...unreachable, ...(answer as object), status: response.status });
}

export const get = <T>(path: string): Promise<T> => request<T>('GET', path);

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

/**
 * Asks when something has changed, and now and again, for as long as the page is there and somebody
 * looks at it.
 */
export function useLive<T>(path: string | undefined, everyMs = EVERY_MS): Live<T> {
  const [state, setState] = useState<{ path?: string; data?: T; problem?: Problem }>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isSoon = false;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      isSoon = false;
      try {
        if (document.hidden) return;
        const data = await get<T>(path);
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
