import test from 'ava';
import {
  codeOf,
  isLike,
  parseFilter,
  type FilterFields,
  type FilterValue,
} from '@holdfast/protocol/base';

const fields: FilterFields = {
  ...{ name: 'text', state: 'text', 'tag.': 'text' },
  ...{ count: 'number', age: 'duration', bytes: 'size' },
};
const row: Readonly<Record<string, FilterValue>> = {
  ...{ name: 'order-17', state: 'stuck', 'tag.site': 'oslo' },
  ...{ count: 4, age: 3_600_000, bytes: 2_048, empty: null },
};

const fits = (text: string): boolean => parseFilter(text, fields).fits((field) => row[field]);

test('a question is answered by what it compares', (t) => {
  const yes = [
    ...['state=stuck', 'state = stuck', 'name=order-*', "name='order-17'", 'count>3'],
    ...['count>=4', 'count<=4', 'count!=5', 'age>59m', 'age=1h', 'bytes<3K', 'bytes=2KiB'],
    ...['tag.site=oslo', 'tag.site=o*o', 'state!=failed'],
  ];
  const no = [
    ...['state=failed', 'state!=stuck', 'name=order', 'count>4', 'age<1h', 'bytes>2K'],
    ...['tag.site=bergen', 'tag.other=oslo', 'tag.other!=oslo'],
  ];

  for (const text of yes) t.true(fits(text), text);
  for (const text of no) t.false(fits(text), text);
});

test('and binds before or, not before both, and parentheses before all', (t) => {
  t.true(fits('state=stuck or count=1 and count=2'));
  t.false(fits('(state=stuck or count=1) and count=2'));
  t.true(fits('not state=failed and count=4'));
  t.false(fits('not (state=failed or count=4)'));
  t.true(fits('NOT count=1 AND (name=x OR name=order-17)'));
});

test('what cannot be understood says what is wrong', (t) => {
  const wrong: readonly (readonly [text: string, says: RegExp])[] = [
    ['', /the name of a field is missing at the end/],
    ['state', /one of = != < <= > >= is missing/],
    ['state=', /the value for state is missing at the end/],
    ['colour=red', /there is no field colour, only name, state, tag\.NAME/],
    ['constructor=x', /there is no field constructor/],
    ['tag.=x', /there is no field tag\./],
    ['state>stuck', /state is a text, which is = or != something/],
    ['count=many', /count is a number, and many is none/],
    ['age>soon', /age is a duration such as 10m, and soon is none/],
    ['bytes>2X', /bytes is a size such as 2M, and 2X is none/],
    ['state=stuck count=4', /there is count where `and`, `or` or the end/],
    ['(state=stuck', /a `\)` is missing/],
    ['name="order', /what begins at "order is no word/],
    [`${'('.repeat(40)}state=x`, /it goes deeper than 32/],
    ['x'.repeat(2_001), /more than 2000 characters/],
    ['state=stuck and', /the name of a field is missing at the end/],
  ];

  for (const [text, says] of wrong) {
    const error = t.throws(() => parseFilter(text, fields), undefined, text);
    t.is(codeOf(error), 'HF_QUERY_INVALID', text);
    t.regex(error.message, says, text);
  }
});

test('a filter tells the values that a field must have one of', (t) => {
  const oneOf = (text: string) => parseFilter(text, fields).oneOf('state');

  t.deepEqual(oneOf('state=stuck'), ['stuck']);
  t.deepEqual(oneOf('count>1 and state=stuck'), ['stuck']);
  t.deepEqual(oneOf('state=stuck or state=failed'), ['stuck', 'failed']);
  for (const open of ['state=stuck or count>1', 'not state=stuck', 'state=s*', 'state!=x']) {
    t.is(oneOf(open), undefined, open);
  }
});

test('a star stands for any characters, and takes no time', (t) => {
  for (const pattern of ['a*', '*c', 'a*c', '*', '*b*', 'abc', 'a**c']) {
    t.true(isLike('abc', pattern), pattern);
  }
  for (const pattern of ['', 'a', 'b*', '*b', 'ab', 'a*b', 'abc*c', '*abcd']) {
    t.false(isLike('abc', pattern), pattern);
  }
  t.false(isLike('a'.repeat(10_000), `${'*a'.repeat(1_000)}*b`));
});
