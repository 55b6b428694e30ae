import test from 'ava';
import { KeptLog } from '@holdfast/agent/internal';

test('a log remembers its newest lines, within bounds, and hands all of them on', (t) => {
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const log = new KeptLog({ error: say, info: say, debug: say }, () => 0);

  log.debug('not kept');
  for (let n = 1; n <= 5_000; n += 1) log.info('line', { n, left: undefined });
  log.error('large', { text: 'x'.repeat(400_000), error: new Error('why') });

  t.is(said.length, 5_002);
  const lines = log.lines({ after: 0, limit: 10_000 });
  t.true(lines.length < 2_000 && JSON.stringify(lines).length < 600_000);
  t.like(lines.at(-1), { n: 5_001, level: 'error', at: '1970-01-01T00:00:00.000Z' });
  t.is(lines.at(-1)?.fields['error'], 'why');
  t.deepEqual(lines.at(-2)?.fields, { n: 5_000 });
  t.deepEqual(
    log.lines({ after: 4_990, limit: 3 }).map(({ n }) => n),
    [4_999, 5_000, 5_001],
  );
});
