import { NO_BYTES, type ErrorCode, type Message } from '@holdfast/protocol';
import type { SessionEffect, SessionLimits, SessionStep } from './session-events.ts';
import type { Session } from './session-state.ts';

/** The moment at which an event is taken, and what the gateway goes by. */
export interface At {
  readonly nowMs: number;
  readonly limits: SessionLimits;
}

export function stay(state: Session): SessionStep {
  return { state, effects: [] };
}

export function send(state: Session, message: Message): SessionStep {
  return { state, effects: [{ kind: 'send', message }] };
}

export interface Problem {
  readonly code: ErrorCode;
  readonly why: string;
  readonly retryAfterMs?: number;
  /** The last bytes of the message that cannot be read. */
  readonly tail?: Uint8Array;
}

export function invalid(what: { readonly why: string; readonly tail: Uint8Array }): Problem {
  return { code: 'HF_MESSAGE_INVALID', ...what };
}

/** Counts what is not taken, and says so on the link and in the log, though not without end. */
export function refuse(state: Session, problem: Problem, at: At): SessionStep {
  const { code, why, retryAfterMs = 0, tail: of = NO_BYTES } = problem;
  const counted = { ...state, refusals: state.refusals + 1, refusal: { code, why } };
  const message: Message = { kind: 'refusal', code, why, retryAfterMs, of };
  return seldom(counted, { code, why }, [{ kind: 'send', message }], at);
}

/** Counts a problem, and says so in the log: for what is not said often. */
export function logged(problem: Pick<Problem, 'code' | 'why'>): readonly SessionEffect[] {
  const { code, why } = problem;
  return [
    { kind: 'count', code },
    { kind: 'log', code, why },
  ];
}

/** The same for what a device can cause as often as it likes: counted always, else said seldom. */
export function seldom(
  state: Session,
  problem: { readonly code: string; readonly why: string },
  effects: readonly SessionEffect[],
  { nowMs, limits }: At,
): SessionStep {
  const isOver = nowMs - state.answers.sinceMs >= limits.answers.windowMs;
  const answers = isOver ? { sinceMs: nowMs, count: 0 } : state.answers;
  const next = { ...state, answers: { ...answers, count: answers.count + 1 } };
  const count = { kind: 'count', code: problem.code } as const;
  if (answers.count < limits.answers.count) {
    return { state: next, effects: [...effects, count, { kind: 'log', ...problem }] };
  }
  if (next.answers.count % limits.answers.closeAt > 0) return { state: next, effects: [count] };
  const why = `${next.answers.count} messages within ${limits.answers.windowMs} ms were refused`;
  return { state: next, effects: [count, { kind: 'close', code: problem.code, why }] };
}
