import { valueFieldOf } from '@holdfast/protocol';
import { sealedError, sealingOf, type Seal } from './mark.ts';
import type { RunEntryBody } from './run-journal.ts';
import type { Run } from './run.ts';
import { signalOf } from './signal.ts';

type Sealed = Pick<Run, 'code' | 'facts' | 'progress'>;

/**
 * What of an entry of a run is sealed: by the mark that it brings, or by its workflow. What is not
 * about somebody else is about the subject of the run.
 */
export function sealOf(body: RunEntryBody, run: Sealed): Seal | undefined {
  if (valueFieldOf(body) === undefined) return undefined;
  const given = body.seal;
  const isWithheld = given !== undefined && given.leaves !== 'all';
  const { leaves = 'all', shown } = (isWithheld ? given : ofWorkflow(body, run)) ?? {};
  const subject = given?.subject || run.facts.subject;
  return leaves === 'all' && subject === '' ? undefined : { leaves, shown, subject };
}

/**
 * A run in which anything is marked fails with names and codes only: its error may be made of what
 * was to stay, by code that nobody can look through.
 */
function ofWorkflow(body: RunEntryBody, { code, progress }: Sealed): Seal | undefined {
  const { input = {}, output = {} } = code?.marks ?? {};
  switch (body.kind) {
    case 'run.started':
    case 'run.continued':
      return sealingOf(input)('input', body.input);
    case 'run.completed':
      return sealingOf(output)('output', body.output);
    case 'signal.received': {
      const marks = signalOf(code?.signals ?? [], body.name)?.marks ?? {};
      return sealingOf(marks)('payload', body.payload);
    }
    case 'run.failed':
      return progress.isPrivate ? sealedError(body.error) : undefined;
    default:
      return undefined;
  }
}
