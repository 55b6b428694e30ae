import { isOurs } from '../../protocol/web/ours.ts';
import { useLive as useAsked, type Live } from '../../protocol/web/live.ts';
import {
  ApiError,
  createClient,
  pathOf,
  unreachable,
  type AnswerOf,
  type ArgsOf,
  type Client,
  type Operations,
  type Problem,
} from '../src/client/client.ts';
import { onChange } from './changes.ts';
import { patient } from './patient.ts';
import { sessionOver } from './session.ts';

export { ApiError, type Live, type Problem };

/** Beside the page, also where a proxy has it below a path. */
const client = createClient({ url: '.', fetch: patient((to, init) => fetch(to, init)) });

/** Asks the gateway that served this page. */
export const api: Client = {
  async ask(operation, ...args) {
    const answer = await client.ask(operation, ...args);
    // Without content, it says that it was done.
    if (answer !== undefined && !isOurs(answer)) throw new ApiError(unreachable);
    return answer;
  },
};

/** What the gateway does not tell by itself, such as how far a device is behind. */
const EVERY_MS = 5_000;

/**
 * Asks when something has changed, and now and again, for as long as the page is there and somebody
 * looks at it.
 *
 * @param args What is asked for; `undefined`: nothing, for now.
 * @param when `by the clock`: only each `everyMs`, for what is much work to answer.
 */
export function useLive<K extends keyof Operations>(
  operation: K,
  args: ArgsOf<K> | undefined,
  everyMs = EVERY_MS,
  when: 'with changes' | 'by the clock' = 'with changes',
): Live<AnswerOf<K>> {
  const device = deviceIn(operation, args);
  return useAsked<AnswerOf<K>>({
    key: args && pathOf(operation, ...args),
    ask: () => api.ask(operation, ...(args as ArgsOf<K>)),
    ...{ everyMs, problemOf },
    ...(when === 'with changes' && { onChange: (tell) => onChange(tell, device) }),
  });
}

function problemOf(error: unknown): Problem {
  const problem = error instanceof ApiError ? error.problem : unreachable;
  if (problem.status === 401) sessionOver();
  return problem;
}

/** What is asked about one device alone. */
function deviceIn(operation: string, args: readonly unknown[] | undefined): string | undefined {
  if (!operation.startsWith('GET /api/devices/{id}')) return undefined;
  const [asked] = (args ?? []) as readonly { readonly params?: { readonly id?: string } }[];
  return asked?.params?.id;
}
