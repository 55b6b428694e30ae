/**
 * Tells two live agents with one identity apart from one agent that was restarted. Each start of an
 * agent has a new incarnation; a newer one supersedes the one before it. An agent that was replaced
 * is gone for good, so a superseded incarnation that greets again is a second agent, alive.
 */
export interface Incarnations {
  /** The one that greeted last; empty: none since the gateway started. */
  readonly current: string;
  /** Oldest first. */
  readonly superseded: readonly string[];
  /** Sessions that were greeted, oldest first: a broker may repeat a greeting. */
  readonly sessions: readonly string[];
  /** Until then nobody is let in; 0: there is no conflict. */
  readonly refusedUntilMs: number;
  /** When two were last seen; 0: never. */
  readonly conflictAtMs: number;
}

/** Far more starts and sessions than can be on their way at once. */
const REMEMBERED_MAX = 16;

export const noIncarnations: Incarnations = {
  current: '',
  superseded: [],
  sessions: [],
  refusedUntilMs: 0,
  conflictAtMs: 0,
};

export type Admission =
  | { readonly kind: 'admitted'; readonly incarnations: Incarnations }
  /** A repeated greeting of a session that is over: to be ignored. */
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'conflict';
      readonly incarnations: Incarnations;
      readonly retryAfterMs: number;
    };

export function admit(
  known: Incarnations,
  hello: { readonly incarnation: string; readonly session: string },
  at: { readonly nowMs: number; readonly conflictMs: number },
): Admission {
  const { incarnation, session } = hello;
  const isNewest = incarnation === known.current && session === known.sessions.at(-1);
  if (known.sessions.includes(session) && !isNewest) return { kind: 'stale' };
  if (at.nowMs < known.refusedUntilMs) {
    const retryAfterMs = known.refusedUntilMs - at.nowMs;
    return { kind: 'conflict', incarnations: known, retryAfterMs };
  }
  if (known.superseded.includes(incarnation)) {
    // Both are refused and both are forgotten: the one that is left when they try again gets in.
    const incarnations = {
      ...noIncarnations,
      sessions: [...known.sessions, session].slice(-REMEMBERED_MAX),
      refusedUntilMs: at.nowMs + at.conflictMs,
      conflictAtMs: at.nowMs,
    };
    return { kind: 'conflict', incarnations, retryAfterMs: at.conflictMs };
  }
  const isNew = known.current !== '' && known.current !== incarnation;
  return {
    kind: 'admitted',
    incarnations: {
      ...known,
      current: incarnation,
      superseded: isNew
        ? [...known.superseded, known.current].slice(-REMEMBERED_MAX)
        : known.superseded,
      sessions: isNewest ? known.sessions : [...known.sessions, session].slice(-REMEMBERED_MAX),
      refusedUntilMs: 0,
    },
  };
}
