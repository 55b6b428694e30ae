import { useState } from 'preact/hooks';
import { ApiError, type Problem } from './api.ts';

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
        if (error instanceof ApiError) setProblem(error.problem);
        else throw error;
      })
      .finally(() => setBusy(false));
  };
  return [run, problem, isBusy];
}
