import { signal } from '@holdfast/agent';

/** What an approver says. */
export interface Decision {
  readonly approved: boolean;
  readonly by: string;
  readonly note?: string;
}

/**
 * Reads an answer. People type these, so this is the border where they are checked. `undefined`:
 * it is no decision.
 */
export function decisionOf(answer: unknown): Decision | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { approved, by, note } = answer as Readonly<Record<string, unknown>>;
  if (typeof approved !== 'boolean' || typeof by !== 'string' || by === '') return undefined;
  return { approved, by, ...(typeof note === 'string' ? { note } : {}) };
}

/** The answer of an approver, from a program or the command line; what is none is refused. */
export const decision = signal('decision', {
  parse(answer) {
    const read = decisionOf(answer);
    if (read === undefined) throw new TypeError('a decision has approved, true or false, and by');
    return read;
  },
});
