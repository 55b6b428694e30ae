/** A read that takes longer is not going to be answered. */
const READ_MS_MAX = 20_000;
/** What changes something may take long: every entry of a ledger is read. */
const CHANGE_MS_MAX = 15 * 60_000;

/** Asks, and does not wait for an answer for good: a page that waits says nothing. */
export function patient(
  send: typeof fetch,
  { readMs = READ_MS_MAX, changeMs = CHANGE_MS_MAX } = {},
): typeof fetch {
  return (to, init = {}) => {
    const isRead = (init.method ?? 'GET') === 'GET';
    return send(to, { ...init, signal: AbortSignal.timeout(isRead ? readMs : changeMs) });
  };
}
