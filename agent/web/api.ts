import { useLive as useAsked, type Live } from '../../protocol/web/live.ts';
import { isOurs } from '../../protocol/web/ours.ts';
import type { ShownProblem } from '../../protocol/web/shown.ts';

/** Work on a device goes by faster than a person reads. */
const EVERY_MS = 2_000;
/** An agent that takes longer does not answer. */
const ANSWER_MS_MAX = 20_000;

class AgentError extends Error {
  readonly problem: ShownProblem;

  constructor(problem: ShownProblem, cause?: unknown) {
    super(problem.title, { cause });
    this.problem = problem;
  }
}

const unreachable: ShownProblem = {
  code: 'HF_AGENT_UNREACHABLE',
  title: 'The agent does not answer',
  detail: 'The agent does not answer; what is shown may be old.',
  hint: 'See whether it runs: holdfast status, or systemctl status holdfast.',
};

/** What the agent says of a failure. */
interface Refused {
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly why: string | null;
    readonly hint: string;
  };
}

/** @throws AgentError */
async function ask<T>(path: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/v1/${path}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  } catch (cause) {
    throw new AgentError(unreachable, cause);
  }
  const answer: unknown = await response.json().catch(() => undefined);
  // The agent that served this page is the one that answers, or else what stands between.
  if (response.ok && isOurs(answer)) return answer as T;
  const { error } = (answer ?? {}) as Refused;
  if (error === undefined) throw new AgentError(unreachable);
  const { code, message, why, hint } = error;
  throw new AgentError({ code, title: message, detail: why ?? '', hint });
}

/** Asks the agent that served this page for what is at this path, again and again. */
export function useLive<T>(path: string | undefined): Live<T> {
  return useAsked<T>({
    key: path,
    ask: () => ask(path ?? ''),
    everyMs: EVERY_MS,
    problemOf: (error) => (error instanceof AgentError ? error.problem : unreachable),
  });
}
