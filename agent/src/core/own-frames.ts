/** Functions of ours below which a stack tells nothing about the user's code. */
const ours =
  /^\s+at (?:async )?(?:Run\.)?(?:#outcomeOf|insideStep|makeAttempt|runBody|applyEntry)\b/;

/**
 * Cuts off what lies below the user's code in the stack of what it threw: the journal is to hold
 * where it failed, not how it was called. Leaves alone what cannot be changed.
 */
export function cutOwnFrames(thrown: unknown): void {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 8; depth += 1) {
    cutStack(error);
    error = error.cause;
  }
}

function cutStack(error: Error): void {
  try {
    const all = error.stack?.split('\n') ?? [];
    const lines = all.filter((line) => !line.includes('(node:internal/'));
    const first = lines.findIndex((line) => ours.test(line));
    if (first > 0) error.stack = lines.slice(0, first).join('\n');
    else if (lines.length < all.length) error.stack = lines.join('\n');
  } catch {
    // A stack that throws or is frozen is journaled as it is.
  }
}
