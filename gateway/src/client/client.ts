import type { Operations } from './operations.ts';

export type { Operations };

/** What the API answers instead, when it does not do what was asked [RFC 9457]. */
export interface Problem {
  /** 0: nothing answered. */
  readonly status: number;
  /** Stable, see docs/ERRORS.md. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
}

/** An answer that is a problem, or none at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem.detail === '' ? problem.title : problem.detail, { cause });
    this.problem = problem;
  }
}

export type AnswerOf<K extends keyof Operations> = Operations[K]['answer'];
type AskedOf<K extends keyof Operations> = Omit<Operations[K], 'answer'>;
/** What an operation takes: nothing has to be given where nothing of it is needed. */
export type ArgsOf<K extends keyof Operations> = object extends AskedOf<K>
  ? readonly [asked?: AskedOf<K>]
  : readonly [asked: AskedOf<K>];

/** Where the API is, and who asks. */
export interface ClientOptions {
  /** Where the API is: `https://gw.example:8080`. Default: where the page is from. */
  readonly url?: string | undefined;
  /** An API token. Default: the cookie of a session, in a browser. */
  readonly token?: string | undefined;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Client {
  /**
   * Asks for an operation by its method and path, such as `GET /api/devices/{id}`.
   *
   * @throws ApiError
   */
  ask<K extends keyof Operations>(operation: K, ...args: ArgsOf<K>): Promise<AnswerOf<K>>;
}

/** A client of the HTTP API of a gateway: it takes and gives what the API says of itself. */
export function createClient(options: ClientOptions = {}): Client {
  const { url = '', token, fetch: send = fetch } = options;
  const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    async ask(operation, ...args) {
      const [asked = {}] = args;
      const { body } = asked as Asked;
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const [method = ''] = operation.split(' ');
      let response: Response;
      try {
        const headers = { ...own, ...type };
        const to = `${url.replace(/\/$/, '')}${pathOf(operation, ...args)}`;
        response = await send(to, { method, headers, credentials: 'same-origin', ...json });
      } catch (cause) {
        throw new ApiError(unreachable, cause);
      }
      const isEmpty = response.status === 204;
      const answer: unknown = isEmpty ? undefined : await response.json().catch(() => ({}));
      // The document that the types are made of is what the server answers by.
      if (response.ok) return answer as AnswerOf<typeof operation>;
      throw new ApiError({ ...unreachable, ...(answer as object), status: response.status });
    },
  };
}

interface Asked {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** The path and query of what is asked for. */
export function pathOf<K extends keyof Operations>(operation: K, ...args: ArgsOf<K>): string {
  const { params = {}, query = {} } = (args[0] ?? {}) as Asked;
  const [, path = ''] = operation.split(' ');
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    return encodeURIComponent(params[name] ?? '');
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined) search.append(name, String(each));
    }
  }
  return search.size === 0 ? filled : `${filled}?${search}`;
}

export const unreachable: Problem = Object.freeze({
  status: 0,
  code: 'HF_GATEWAY_UNREACHABLE',
  title: 'The gateway does not answer',
  detail: 'The gateway does not answer; what is shown may be old.',
  hint: 'Ask again, and see whether it runs and can be reached.',
});
