import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { BadRequest, serveJson, type Service } from '../stand-ins/http-service.ts';
import { IdempotentWork } from '../stand-ins/idempotent-work.ts';

export interface NoticeOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
}

/** A row of `GET /notices`. */
export interface NoticeRow {
  readonly to: string;
  readonly text: string;
  readonly run: string;
  readonly token: string;
}

/**
 * Stands in for a chat or mail service that notices are sent by.
 *
 *   POST /notices {to, text, run, token} → 200 · 503
 *   GET  /notices                        → every notice that was delivered
 *   POST /faults  {fail, kind, delayMs}  → what goes wrong from now
 *
 * @throws The system's error when the port cannot be had.
 */
export function serveNotices(options: NoticeOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const work = new IdempotentWork(faults);
  const rows: NoticeRow[] = [];

  return serveJson(options.port ?? 0, {
    'POST /notices': (request) => {
      const row = readNotice(request.body);
      return work.answer(request, row.to, () => {
        rows.push(row);
        return { status: 200, body: {} };
      });
    },
    'GET /notices': () => ({ status: 200, body: rows }),
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
  });
}

function readNotice(body: Readonly<Record<string, unknown>>): NoticeRow {
  const text = (name: string): string => {
    const value = body[name];
    if (typeof value === 'string' && value !== '') return value;
    throw new BadRequest(`${name} is missing`);
  };
  return { to: text('to'), text: text('text'), run: text('run'), token: text('token') };
}
