import test from 'ava';
import {
  checkLimit,
  checkSummary,
  checkText,
  codeOf,
  noLimit,
  valueLevel,
  type CheckResult,
} from '@holdfast/protocol/base';

const names = { warn: '--warn-age', critical: '--max-age' };
const pending = { name: 'pending', value: 1_284, unit: '', ...noLimit } as const;
const age = { name: 'age', value: 11_520, unit: 's', warn: 10_800, critical: 21_600 } as const;
const left = { name: 'left', value: 5, unit: 's', warn: 10, critical: undefined } as const;
const results: readonly CheckResult[] = [
  { subject: 'backlog', level: 'WARNING', text: '1284 pending|for long', values: [pending, age] },
  { subject: 'cert', level: 'OK', text: 'valid', values: [{ ...left, isLeast: true }] },
];

test('what is limited warns at half of its limit, and where less is worse at twice', (t) => {
  t.deepEqual(checkLimit({ warn: undefined, critical: 8 }, names), { warn: 4, critical: 8 });
  t.deepEqual(checkLimit({ warn: 7, critical: 8 }, names), { warn: 7, critical: 8 });
  t.deepEqual(checkLimit({ warn: undefined, critical: 8 }, names, true).warn, 16);
  t.deepEqual(checkLimit({ warn: 3, critical: undefined }, names).warn, 3);
  for (const [warn, isLeast] of [
    [9, false],
    [7, true],
  ] as const) {
    const error = t.throws(() => checkLimit({ warn, critical: 8 }, names, isLeast));
    t.is(codeOf(error), 'HF_USAGE', 'what is inverted is refused');
  }
});

test('a value at its limit is well, and beyond it is not', (t) => {
  const levels = [10_800, 10_801, 21_600, 21_601].map((value) => valueLevel({ ...age, value }));
  t.deepEqual(levels, ['OK', 'WARNING', 'WARNING', 'CRITICAL']);
  const least = { ...age, warn: 20, critical: 10, isLeast: true };
  t.deepEqual(
    [20, 19, 10, 9].map((value) => valueLevel({ ...least, value })),
    ['OK', 'WARNING', 'WARNING', 'CRITICAL'],
  );
  t.is(valueLevel(pending), 'OK');
});

test('each form tells the same results', (t) => {
  const tell = (form: 'nagios' | 'json' | 'prometheus' | 'text') =>
    checkText(results, { form, json: { schema: 'holdfast.check/1' } });

  t.is(
    tell('nagios'),
    'HOLDFAST WARNING - 1284 pending/for long|pending=1284 age=11520s;10800;21600 left=5s;10:',
  );
  t.like(JSON.parse(tell('json')), {
    ...{ schema: 'holdfast.check/1', level: 'WARNING', text: '1284 pending|for long' },
    checks: [{ subject: 'backlog', values: [{ name: 'pending', warn: null }, { warn: 10_800 }] }],
  });
  const text = tell('prometheus');
  t.true(text.includes('holdfast_check_level{subject="backlog"} 1\n'));
  t.true(text.includes('holdfast_check_value{subject="cert",name="left",unit="s"} 5'));
  t.true(text.includes('holdfast_check_critical{subject="backlog",name="age",unit="s"} 21600'));
  t.is(tell('text'), '! backlog  warning   1284 pending|for long\n✓ cert     ok        valid');
});

test('what is well is told where all is, and only what is not where something is not', (t) => {
  const well = results.filter(({ level }) => level === 'OK');
  t.deepEqual(checkSummary([...well, ...well]), { level: 'OK', text: 'valid; valid' });
  t.deepEqual(checkSummary(results), { level: 'WARNING', text: '1284 pending|for long' });
});
