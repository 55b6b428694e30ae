import type { RunEntryBody } from './run-journal.ts';
import { sealedError, sealingOf, type Seal } from './mark.ts';
import type { Run } from './run.ts';

/**
 * What of an entry of a run is sealed by the marks of its workflow. Operations bring their own.
 *
 * A run in which anything is marked fails with names and codes only: its error may be made of what
 * was to stay, by code that nobody can look through.
 */
export function sealOf(
  body: RunEntryBody,
  { code, progress }: Pick<Run, 'code' | 'progress'>,
): Seal | undefined {
  if (body.seal !== undefined) return body.seal;
  const { input = {}, output = {}, signals = {} } = code?.marks ?? {};
  switch (body.kind) {
    case 'run.started':
    case 'run.continued':
      return sealingOf(input)('input', body.input);
    case 'run.completed':
      return sealingOf(output)('output', body.output);
    case 'signal.received': {
      const marks = Object.hasOwn(signals, body.name) ? signals[body.name] : undefined;
      return sealingOf(marks ?? {})('payload', body.payload);
    }
    case 'run.failed':
      return progress.isPrivate ? sealedError(body.error) : undefined;
    default:
      return undefined;
  }
}
