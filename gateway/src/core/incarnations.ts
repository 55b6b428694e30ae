/**
 * Tells two live agents with one identity apart from one agent that was restarted. Each start of an
 * agent has a new incarnation; a newer one supersedes the one before it.
 *
 * An agent on another machine, while the one that was let in is heard, is a second one: it is kept
 * out, and the first goes on. Where the machines do not tell, an agent that was replaced is gone
 * for good, so a superseded incarnation that greets again is a second agent, alive: nobody knows
 * which of the two is the copy, and both are kept out.
 *
 * A broker may hold a greeting back until its agent was replaced. On one machine the monotonic
 * clock tells: what was said before the newest greeting proves nobody alive.
 */
export interface Incarnations {
  /** The one that greeted last; empty: none since the gateway started. */
  readonly current: string;
  /** That it is on; empty: not known. */
  readonly machine: string;
  /** When it greeted last, by the clocks of that machine. */
  readonly greeted: Greeted;
  /** Oldest first. */
  readonly superseded: readonly string[];
  /** Sessions that were greeted, oldest first: a broker may repeat a greeting. */
  readonly sessions: readonly string[];
  /** Until then nobody is let in; 0: whoever comes is looked at. */
  readonly refusedUntilMs: number;
  /** Conflicts within a day of each other: each keeps agents out for twice as long. */
  readonly conflicts: number;
  /** When two were last seen; 0: never. */
  readonly conflictAtMs: number;
  /** Until then people are told of it: whoever is still there has come again by then. */
  readonly shownUntilMs: number;
}

/** Far more starts and sessions than can be on their way at once. */
const REMEMBERED_MAX = 16;
/** A conflict that did not come again for so long is over. */
const FORGOTTEN_MS = 24 * 60 * 60_000;
/** 64 times: from a minute to an hour. */
const DOUBLINGS_MAX = 6;
/** A device waits up to 7.5 minutes of its own before it comes again. */
const COMES_AGAIN_MS = 450_000;

export const noIncarnations: Incarnations = {
  current: '',
  machine: '',
  greeted: { boot: 0, monoMs: 0 },
  superseded: [],
  sessions: [],
  refusedUntilMs: 0,
  conflicts: 0,
  conflictAtMs: 0,
  shownUntilMs: 0,
};

interface Greeted {
  readonly boot: number;
  readonly monoMs: number;
}

export interface GreetingAgent extends Greeted {
  readonly incarnation: string;
  readonly session: string;
  /** Empty: not known. */
  readonly machine: string;
}

interface Moment {
  readonly nowMs: number;
  readonly conflictMs: number;
  /** The current one was heard lately. */
  readonly isLive: boolean;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly incarnations: Incarnations }
  /** A greeting that is repeated or late: to be ignored, and no sign of life. */
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'conflict';
      readonly incarnations: Incarnations;
      readonly retryAfterMs: number;
      readonly why: string;
    };

export function admit(known: Incarnations, hello: GreetingAgent, at: Moment): Admission {
  const { incarnation, session } = hello;
  const isNewest = incarnation === known.current && session === known.sessions.at(-1);
  if (known.sessions.includes(session) && !isNewest) return { kind: 'stale' };
  // A store that was set back counts boots anew: what it says is heard once the other is not.
  if (at.isLive && isEarlier(known, hello)) return { kind: 'stale' };
  if (at.nowMs < known.refusedUntilMs) {
    const retryAfterMs = known.refusedUntilMs - at.nowMs;
    const why = 'two agents have its identity';
    return { kind: 'conflict', incarnations: known, retryAfterMs, why };
  }
  if (isOnOtherMachine(known, hello) && at.isLive) {
    const why = `machine ${hello.machine} greets while ${known.machine} is there`;
    return conflict(remember(known, session), { at, why, isEitherOut: false });
  }
  if (known.superseded.includes(incarnation)) {
    const why = 'an agent greets that was replaced by another';
    // Both are forgotten: the one that is left when they try again gets in.
    const forgotten = { ...known, current: '', machine: '', superseded: [] };
    return conflict(remember(forgotten, session), { at, why, isEitherOut: true });
  }
  const isNew = known.current !== '' && known.current !== incarnation;
  const superseded = isNew
    ? [...known.superseded, known.current].slice(-REMEMBERED_MAX)
    : known.superseded;
  const { machine, boot, monoMs } = hello;
  const own = { current: incarnation, machine, greeted: { boot, monoMs } };
  const next = { ...known, ...own, superseded, refusedUntilMs: 0 };
  return { kind: 'admitted', incarnations: isNewest ? next : remember(next, session) };
}

/** Whether it was said before the newest greeting, on the same machine. */
function isEarlier(known: Incarnations, { machine, boot, monoMs }: GreetingAgent): boolean {
  if (machine === '' || machine !== known.machine) return false;
  const { greeted } = known;
  return boot < greeted.boot || (boot === greeted.boot && monoMs < greeted.monoMs);
}

function isOnOtherMachine(known: Incarnations, { incarnation, machine }: GreetingAgent): boolean {
  if (known.current === '' || known.current === incarnation) return false;
  return machine !== '' && known.machine !== '' && machine !== known.machine;
}

function remember(known: Incarnations, session: string): Incarnations {
  return { ...known, sessions: [...known.sessions, session].slice(-REMEMBERED_MAX) };
}

function conflict(
  known: Incarnations,
  of: { readonly at: Moment; readonly why: string; readonly isEitherOut: boolean },
): Admission {
  const { nowMs, conflictMs } = of.at;
  const isOver = nowMs - known.conflictAtMs > FORGOTTEN_MS;
  const earlier = isOver ? 0 : known.conflicts;
  const retryAfterMs = conflictMs * 2 ** Math.min(earlier, DOUBLINGS_MAX);
  const incarnations = {
    ...known,
    refusedUntilMs: of.isEitherOut ? nowMs + retryAfterMs : 0,
    conflicts: earlier + 1,
    conflictAtMs: nowMs,
    shownUntilMs: nowMs + retryAfterMs + COMES_AGAIN_MS,
  };
  return { kind: 'conflict', incarnations, retryAfterMs, why: of.why };
}
