import test from 'ava';
import { conditionsOf } from '@holdfast/agent/internal';

const linkOf = (state: 'synced' | 'offline') => () => ({ state: () => ({ state }) });
const metered = { budget: { bytes: 10_000_000, per: 'month' } } as const;

test('unmetered holds while the link is up, and never when it was said to cost', async (t) => {
  const holds = (state: 'synced' | 'offline', options: object) =>
    conditionsOf(options, linkOf(state))('unmetered')?.check();

  t.true(await holds('synced', {}));
  t.false(await holds('offline', {}));
  t.false(await holds('synced', { metered }));
});

test('a program that knows better what its link costs says so', async (t) => {
  const conditions = { unmetered: { check: () => true } };

  t.true(await conditionsOf({ conditions, metered }, linkOf('offline'))('unmetered')?.check());
});

test('a condition that nobody defines is none', (t) => {
  t.is(conditionsOf({}, linkOf('synced'))('sunny'), undefined);
});
