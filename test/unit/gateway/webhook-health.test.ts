import {
  FAILING_MS_MAX,
  REFUSED_IN_A_ROW_MAX,
  afterPost,
  healthy,
  type PostOutcome,
  type WebhookHealth,
} from '@holdfast/gateway/internal';
import test from 'ava';

const taken: PostOutcome = { kind: 'taken' };
const refused: PostOutcome = { kind: 'refused', status: 422, why: 'it answered 422' };
const gone: PostOutcome = { kind: 'gone', status: 410, why: 'it answered 410' };
const away = (retryAfterMs = 0): PostOutcome => {
  return { kind: 'unavailable', status: 503, why: 'it answered 503', retryAfterMs };
};

/** What comes next after each outcome, in words. */
function follow(
  outcomes: readonly (readonly [nowMs: number, outcome: PostOutcome])[],
  from: WebhookHealth = healthy,
): { readonly told: readonly string[]; readonly health: WebhookHealth } {
  let health = from;
  const told = outcomes.map(([nowMs, outcome]) => {
    const after = afterPost(health, outcome, { nowMs, chance: 1 });
    ({ health } = after);
    const { next } = after;
    return next.kind === 'again' ? `again in ${next.inMs}` : next.kind;
  });
  return { told, health };
}

test('an event that is refused three times is set aside; the next one counts anew', (t) => {
  const { told, health } = follow([
    [1, refused],
    [2, refused],
    [3, refused],
    [4, refused],
    [5, taken],
  ]);

  t.deepEqual(told, ['again in 1000', 'again in 2000', 'dead', 'again in 1000', 'taken']);
  t.deepEqual(health, healthy);
});

test('an endpoint that takes none of many events in a row is told no more', (t) => {
  const from = { ...healthy, refusedInARow: REFUSED_IN_A_ROW_MAX - 1 };
  const outcomes = Array.from({ length: 3 }, () => [1, refused] as const);

  t.deepEqual(follow(outcomes, from).told.at(-1), 'disable');
  t.deepEqual(follow([[1, taken], ...outcomes], from).told.at(-1), 'dead', 'one was taken');
});

test('an endpoint that is away is waited for, longer each time, for three days', (t) => {
  const outcomes = Array.from({ length: 12 }, () => [1, away()] as const);
  const { told, health } = follow(outcomes);

  t.deepEqual(told.slice(0, 3), ['again in 1000', 'again in 2000', 'again in 4000']);
  t.is(told.at(-1), 'again in 300000', 'five minutes at most');
  t.is(health.failingSinceMs, 1);
  t.deepEqual(follow([[FAILING_MS_MAX, away()]], health).told, ['again in 300000']);
  t.deepEqual(follow([[FAILING_MS_MAX + 1, away()]], health).told, ['disable']);
  t.deepEqual(follow([[2, taken]], health).health, healthy);
});

test('an endpoint that asks for a pause has it, an hour at most', (t) => {
  t.deepEqual(follow([[1, away(60_000)]]).told, ['again in 60000']);
  t.deepEqual(follow([[1, away(9e9)]]).told, ['again in 3600000']);
});

test('an endpoint that says it is gone is told no more', (t) => {
  t.deepEqual(follow([[1, gone]]).told, ['disable']);
});

test('those who wait for the same endpoint are spread', (t) => {
  const pause = (chance: number) => afterPost(healthy, away(), { nowMs: 1, chance }).next;

  t.deepEqual(pause(0), { kind: 'again', inMs: 500 });
  t.deepEqual(pause(0.5), { kind: 'again', inMs: 750 });
});
