import { useState } from 'preact/hooks';
import { ApiError, type Problem } from './api.ts';
import { sessionOver } from './session.ts';

/** Does something once, and keeps what went wrong. */
export function useAction(): readonly [
  run: (work: () => Promise<void>) => void,
  problem: Problem | undefined,
  isBusy: boolean,
] {
  const [problem, setProblem] = useState<Problem | undefined>();
  const [isBusy, setBusy] = useState(false);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setProblem(undefined);
    work()
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        setProblem(error.problem);
        if (error.problem.status === 401) sessionOver();
      })
      .finally(() => setBusy(false));
  };
  return [run, problem, isBusy];
}
