import { HoldfastError } from '@holdfast/protocol';
import type { PoolClient } from 'pg';
import type { SqlClient } from '../../core/handler-ports.ts';

/** What would begin or end the transaction; to a savepoint, one may go back. */
const CONTROL =
  /^\s*(?:begin|start|commit|end|abort|prepare\s+transaction|rollback(?!.*\bto\b))\b/i;

/**
 * Runs a body with the open transaction of a connection, which is the body's only for as long as it
 * runs.
 */
export async function withClient<T>(
  db: PoolClient,
  body: (sql: SqlClient) => Promise<T>,
): Promise<T> {
  let isOver = false;
  const query: SqlClient['query'] = async (text, values = []) => {
    if (isOver) throw refused('it is over');
    if (CONTROL.test(text)) throw refused('it begins and ends by itself');
    const { rows, rowCount } = await db.query<Record<string, unknown>>(text, [...values]);
    return { rows, rowCount };
  };
  try {
    return await body({ query });
  } finally {
    isOver = true;
  }
}

function refused(why: string): HoldfastError {
  return new HoldfastError('HF_HANDLER_TRANSACTION', { why: `of the transaction: ${why}` });
}
