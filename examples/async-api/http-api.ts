import { randomUUID } from 'node:crypto';
import { HoldfastError, type Agent, type RunDetailView } from '@holdfast/agent';
import {
  BadRequest,
  fault,
  type Reply,
  type Route,
  type ServiceRequest,
} from '../stand-ins/http-service.ts';
import { folderName } from './digest.ts';
import { digest } from './workflow.ts';

/** Where a caller may look next, and when. */
const RETRY_AFTER_S = 1;

/**
 * The API that a device offers for long work.
 *
 *   POST /digests {folder} → 202 {id, state, href}, Location: where to look
 *   GET  /digests/ID       → 200 {id, state, progress, result | error, href} · 404
 *
 * The 202 is a promise: the run is on stable storage when it is sent. A caller that never got it
 * asks again with the same Idempotency-Key and gets the same run; the key with another request is
 * a 409.
 */
export function routesOf(agent: Agent): Readonly<Record<string, Route>> {
  return {
    'POST /digests': (request) => start(agent, request).catch(replyTo),
    'GET /digests/*': ({ id }) => look(agent, id).catch(replyTo),
  };
}

async function start(agent: Agent, { key, body }: ServiceRequest): Promise<Reply> {
  const { folder } = body;
  if (typeof folder !== 'string' || !folderName.test(folder)) {
    throw new BadRequest('folder is not 1 to 64 letters, digits, - or _');
  }
  // The key is the id of the run, so that nobody has to keep a table of who asked for what.
  const { id } = await agent.start(digest, { folder }, { id: key ?? randomUUID() });
  const headers = { location: hrefOf(id), 'retry-after': String(RETRY_AFTER_S) };
  return { status: 202, headers, body: { id, state: 'running', href: hrefOf(id) } };
}

async function look(agent: Agent, id: string): Promise<Reply> {
  const run = await agent.run(id);
  const view = await run.status();
  const isOpen = !['completed', 'failed', 'cancelled'].includes(view.state);
  const headers: Record<string, string> = isOpen ? { 'retry-after': String(RETRY_AFTER_S) } : {};
  return { status: 200, headers, body: bodyOf(view) };
}

function bodyOf(view: RunDetailView): Readonly<Record<string, unknown>> {
  const { id, state, status: progress, output, error } = view;
  const base = { id, state, progress, href: hrefOf(id) };
  if (state === 'completed') return { ...base, result: output };
  return error === undefined ? base : { ...base, error: error.message };
}

function hrefOf(id: string): string {
  return `/digests/${encodeURIComponent(id)}`;
}

/** What a failure of the agent is to a caller of HTTP. */
function replyTo(error: unknown): Reply {
  if (!(error instanceof HoldfastError)) throw error;
  if (error.code === 'HF_RUN_UNKNOWN') return fault(404, 'there is no such digest');
  if (error.code === 'HF_RUN_CONFLICT') return fault(409, 'the key belongs to another request');
  if (error.code === 'HF_NAME_INVALID') return fault(400, 'the Idempotency-Key cannot be used');
  return fault(503, error.message); // Full, closing, failing: nothing was begun.
}
