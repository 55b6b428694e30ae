/** What one check of a device has found. */
export interface Finding {
  /** What was looked at, in one word. */
  readonly check: string;
  /** `warning`: works, and will not for ever; `skipped`: could not be looked at, and why. */
  readonly level: 'ok' | 'warning' | 'failure' | 'skipped';
  /** What was found, in a line. */
  readonly text: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Code of an error, for `holdfast explain`. */
  readonly code?: string;
}

export function found(check: string, level: Finding['level'], text: string, hint = ''): Finding {
  return { check, level, text, ...(hint === '' ? {} : { hint }) };
}

/** An error as a finding: its code, and what it says to do. */
export function failed(
  check: string,
  error: { readonly code: string; readonly message: string; readonly hint: string },
): Finding {
  const { code, message, hint } = error;
  return { check, level: 'failure', text: message, hint, code };
}
