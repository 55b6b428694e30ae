import { codeOf, HoldfastError } from '@holdfast/protocol';
import {
  isLane,
  LANE_WRONG,
  queryFlag,
  queryInteger,
  RequestError,
  type Answer,
  type Call,
} from './socket-request.ts';

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1_000;
/** As many as an agent keeps. */
const LOG_LINES_MAX = 2_000;
const WAIT_MS_DEFAULT = 30_000;
/** An hour: whoever waits longer asks again, and learns that the agent still lives. */
const WAIT_MS_MAX = 3_600_000;
/** The surface cannot be told that a client is gone; a wait nobody reads ends within this. */
const WAIT_SLICE_MS = 5_000;

const IDS_DEFAULT = 6;
const IDS_MAX = 100;

const ok = (body: unknown): Answer => ({ status: 200, body });

export async function showRun({ surface, id, query }: Call): Promise<Answer> {
  return ok(await surface.run(id, { reveal: queryFlag(query, 'reveal') }));
}

export async function exportRun({ surface, id, query }: Call): Promise<Answer> {
  return ok(await surface.history(id, { reveal: queryFlag(query, 'reveal') }));
}

export async function listRunIds({ surface, query }: Call): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const limit = queryInteger(query, 'limit', { min: 1, max: IDS_MAX }) ?? IDS_DEFAULT;
  return ok(await surface.runIds({ prefix, limit }));
}

export async function readJournal({ surface, query }: Call): Promise<Answer> {
  const lane = query.get('lane') ?? undefined;
  if (lane !== undefined && !isLane(lane)) throw new RequestError(400, LANE_WRONG);
  const after = queryInteger(query, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (after !== undefined && lane === undefined) {
    throw new RequestError(400, 'after needs lane: each lane counts for itself');
  }
  const limit = queryInteger(query, 'limit', { min: 1, max: ROWS_MAX }) ?? ROWS_DEFAULT;
  const kinds = query.get('kind')?.split(',');
  const narrow = {
    kinds,
    run: query.get('run') ?? undefined,
    unsynced: queryFlag(query, 'unsynced'),
  };
  return ok(await surface.journal({ lane, after, ...narrow, hex: queryFlag(query, 'hex'), limit }));
}

export async function readLogs({ surface, query }: Call): Promise<Answer> {
  const after = queryInteger(query, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0;
  const limit = queryInteger(query, 'limit', { min: 1, max: LOG_LINES_MAX }) ?? ROWS_DEFAULT;
  return ok(await surface.logs({ after, limit }));
}

export async function wait({ surface, query, ended }: Call): Promise<Answer> {
  const run = query.get('run') ?? undefined;
  if (queryFlag(query, 'synced') === (run !== undefined)) {
    throw new RequestError(400, 'give either run or synced=1');
  }
  const timeoutMs =
    queryInteger(query, 'timeoutMs', { min: 0, max: WAIT_MS_MAX }) ?? WAIT_MS_DEFAULT;
  const poll = (sliceMs: number): Promise<unknown> =>
    run === undefined
      ? surface.waitSynced({ timeoutMs: sliceMs })
      : surface.waitRun({ run, timeoutMs: sliceMs });
  return ok(await waitInSlices(poll, timeoutMs, ended));
}

/** Waits for `timeoutMs` in all, or until nobody waits for the answer any more. */
async function waitInSlices(
  poll: (sliceMs: number) => Promise<unknown>,
  timeoutMs: number,
  ended: AbortSignal,
): Promise<unknown> {
  const isOver = new Promise<never>((_, reject) => {
    ended.addEventListener('abort', () => reject(new HoldfastError('HF_AGENT_CLOSED')), {
      once: true,
    });
  });
  isOver.catch(() => undefined); // It may reject when nothing races against it any more.
  let leftMs = timeoutMs;
  for (;;) {
    const sliceMs = Math.min(leftMs, WAIT_SLICE_MS);
    leftMs -= sliceMs;
    try {
      return await Promise.race([poll(sliceMs), isOver]);
    } catch (error) {
      if (codeOf(error) !== 'HF_WAIT_TIMEOUT' || leftMs === 0 || ended.aborted) throw error;
    }
  }
}
