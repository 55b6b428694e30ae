import { HoldfastError } from '@holdfast/protocol';
import { conflictPolicies, reusePolicies } from '../core/start-policies.ts';
import { isLane, LANE_WRONG, RequestError, type Answer, type Call } from './socket-request.ts';

/** What a body's field holds, where its kind was checked: text, or nothing where that may be. */
type Text = string | undefined;

export async function startRun({ surface, request, body }: Call): Promise<Answer> {
  const { id, created } = await surface.startRun({
    workflow: body['workflow'] as string,
    input: body['input'],
    id: body['id'] as Text,
    subject: body['subject'] as Text,
    ...policiesOf(body),
    ...traceOf(request),
  });
  return { status: created ? 201 : 200, body: { schema: 'holdfast.started/1', id, created } };
}

function policiesOf(body: Readonly<Record<string, unknown>>) {
  const onConflict = oneOf(conflictPolicies, 'onConflict', body['onConflict']);
  const reuse = oneOf(reusePolicies, 'reuse', body['reuse']);
  return { ...(onConflict && { onConflict }), ...(reuse && { reuse }) };
}

/** The place in a trace that the caller sends along [W3C Trace Context]. */
function traceOf({ headers }: Call['request']): { readonly traceparent?: string } {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? { traceparent } : {};
}

function oneOf<T extends string>(
  allowed: readonly T[],
  field: string,
  value: unknown,
): T | undefined {
  const known = allowed.find((each) => each === value);
  if (known !== undefined || value === undefined) return known;
  throw new RequestError(400, `${field} is none of ${allowed.join(', ')}`);
}

export async function sendSignal({ surface, request, id: run, body }: Call): Promise<Answer> {
  const name = body['name'] as string;
  const [id, subject] = [body['id'] as Text, body['subject'] as Text];
  const signal = { run, name, payload: body['payload'], id, subject };
  await surface.signal({ ...signal, ...traceOf(request) });
  return done({ schema: 'holdfast.signalled/1', run, name });
}

export async function cancelRun({ surface, id: run, body }: Call): Promise<Answer> {
  const force = body['force'] as boolean | undefined;
  await surface.cancel({ run, reason: reasonOf(body), force });
  return done({ schema: 'holdfast.cancelled/1', run });
}

export async function pauseRun({ surface, id: run, body }: Call): Promise<Answer> {
  await surface.pause({ run, reason: reasonOf(body) });
  return done({ schema: 'holdfast.paused/1', run });
}

export async function resumeRun({ surface, id: run }: Call): Promise<Answer> {
  await surface.resume({ run });
  return done({ schema: 'holdfast.resumed/1', run });
}

export async function retryRun({ surface, id: run, body }: Call): Promise<Answer> {
  await surface.retry({ run, reason: reasonOf(body) });
  return done({ schema: 'holdfast.retried/1', run });
}

export async function skipStep({ surface, id: run, body }: Call): Promise<Answer> {
  const step = body['step'] as string;
  await surface.skip({ run, step, result: body['result'] });
  return done({ schema: 'holdfast.skipped/1', run, step });
}

export async function forkRun({ surface, id: run, body }: Call): Promise<Answer> {
  const step = body['step'] as string;
  const { id } = await surface.fork({ run, step, id: body['id'] as Text });
  return { status: 201, body: { schema: 'holdfast.forked/1', run, step, id } };
}

export async function completeStep({ surface, body }: Call): Promise<Answer> {
  const error = body['error'] as Text;
  if (error !== undefined && body['result'] !== undefined) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: 'give either result or error, not both' });
  }
  await surface.complete({ token: body['token'] as string, result: body['result'], error });
  return done({ schema: 'holdfast.token-completed/1', failed: error !== undefined });
}

export async function emitEvent({ surface, body }: Call): Promise<Answer> {
  const name = body['name'] as string;
  const lane = (body['lane'] as Text) ?? 'normal';
  if (!isLane(lane)) throw new HoldfastError('HF_INPUT_INVALID', { why: LANE_WRONG });
  await surface.emit({ name, payload: body['payload'], lane, subject: body['subject'] as Text });
  return done({ schema: 'holdfast.emitted/1', name, lane });
}

export async function erase({ surface, body }: Call): Promise<Answer> {
  const force = body['force'] as boolean | undefined;
  const erased = await surface.erase({ subject: body['subject'] as string, force });
  return { status: 200, body: { schema: 'holdfast.erased/1', ...erased } };
}

export async function pauseSchedule({ surface, id: schedule }: Call): Promise<Answer> {
  await surface.pauseSchedule(schedule);
  return done({ schema: 'holdfast.schedule-paused/1', schedule });
}

export async function resumeSchedule({ surface, id: schedule }: Call): Promise<Answer> {
  await surface.resumeSchedule(schedule);
  return done({ schema: 'holdfast.schedule-resumed/1', schedule });
}

export async function triggerSchedule({ surface, id: schedule }: Call): Promise<Answer> {
  const { run } = await surface.triggerSchedule(schedule);
  return { status: 201, body: { schema: 'holdfast.schedule-triggered/1', schedule, run } };
}

export async function nudge({ surface }: Call): Promise<Answer> {
  return done({ schema: 'holdfast.nudged/1', link: await surface.nudge() });
}

export async function rotateKey({ surface }: Call): Promise<Answer> {
  return done({ schema: 'holdfast.enroll/1', ...(await surface.rotateKey()) });
}

function reasonOf(body: Call['body']): string {
  return (body['reason'] as Text) ?? '';
}

/** It is durable; what it leads to comes after the answer. */
function done(body: Readonly<Record<string, unknown>>): Answer {
  return { status: 202, body };
}
