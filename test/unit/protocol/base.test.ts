import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import * as fc from 'fast-check';
import {
  DURATION_MS_MAX,
  HoldfastError,
  NAME_LENGTH_MAX,
  assert,
  chainNext,
  chainStart,
  checkName,
  codeOf,
  concat,
  createLog,
  durationMs,
  eachLane,
  equalBytes,
  errorCatalogue,
  formatBytes,
  formatCount,
  formatDuration,
  hex,
  isDeviceId,
  isErrorCode,
  laneIndex,
  lanes,
  messageOf,
  unhex,
  unreachable,
  type LogLevel,
  type Sha256,
} from '@holdfast/protocol';
import { errorsDocument, errorsDocumentUrl } from '../../support/errors-document.ts';

test('a duration is read from a number or text', (t) => {
  const durations = {
    '250ms': 250,
    '1.5s': 1_500,
    '15m': 900_000,
    '3h': 10_800_000,
    '2d': 172_800_000,
    '1w': 604_800_000,
    ' 7 s ': 7_000,
    '0ms': 0,
    '0.1ms': 1,
  };
  for (const [text, ms] of Object.entries(durations)) t.is(durationMs(text), ms, text);
  t.is(durationMs(0), 0);
  t.is(durationMs(0.2), 1, 'never early');
  t.is(durationMs(DURATION_MS_MAX), DURATION_MS_MAX);
});

test('a duration that is none is refused', (t) => {
  const none: unknown[] = [
    -1,
    Number.NaN,
    Infinity,
    DURATION_MS_MAX + 1,
    '',
    '5',
    's',
    '-1s',
    '1e3s',
    '1 y',
    '5s5s',
    '1.s',
    '0x5s',
    null,
    undefined,
    {},
    [5],
    true,
    5n,
    '9'.repeat(400) + 's',
  ];
  for (const duration of none) {
    t.throws(
      () => durationMs(duration as string),
      { code: 'HF_DURATION_INVALID' },
      String(duration),
    );
  }
});

test('durations, sizes and counts read as a person says them', (t) => {
  t.deepEqual(
    [0, 850, 999.7, 1_000, 12_000, 60_000, 250_000, 3_600_000, 11_520_000, 187_200_000].map(
      formatDuration,
    ),
    ['0 ms', '850 ms', '1 s', '1 s', '12 s', '1m', '4m 10s', '1h', '3h 12m', '2d 4h'],
  );
  t.deepEqual([0, 812, 1_023, 1_024, 14_541, 2_202_009, 2 ** 30].map(formatBytes), [
    '0 B',
    '812 B',
    '1023 B',
    '1.0 KiB',
    '14.2 KiB',
    '2.1 MiB',
    '1.0 GiB',
  ]);
  t.deepEqual([0, 999, 1_000, 48_213, 1_234_567].map(formatCount), [
    '0',
    '999',
    '1,000',
    '48,213',
    '1,234,567',
  ]);
});

test('a name is printable text of bounded length', (t) => {
  for (const name of [
    'a',
    'order-intake',
    'x:1',
    'Küche 漢字 😀',
    ' ',
    'x'.repeat(NAME_LENGTH_MAX),
  ]) {
    t.is(checkName('step', name), name);
  }
  const refused = [
    '',
    'x'.repeat(NAME_LENGTH_MAX + 1),
    'a\nb',
    'a\u0000',
    '\u007f',
    '\ud800',
    'x\udc00',
    undefined,
    null,
    7,
    {},
    ['a'],
  ];
  for (const name of refused) {
    t.throws(() => checkName('step', name), { code: 'HF_NAME_INVALID', message: /of the step/ });
  }
});

test('a device id fits into a level of a topic', (t) => {
  for (const id of ['a', 'pump-017', 'A_b-9', 'd'.repeat(64)]) t.true(isDeviceId(id));
  for (const id of ['', 'd'.repeat(65), 'a/b', 'a+', '#', 'ü', 'a b', 'a\n', '.'])
    t.false(isDeviceId(id));
});

test('bytes become hexadecimal text and come back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      t.is(hex(a), Buffer.from(a).toString('hex'));
      t.deepEqual(unhex(hex(a)), a);
      t.deepEqual(concat([a, b]), Uint8Array.from([...a, ...b]));
      t.is(equalBytes(a, b), Buffer.compare(a, b) === 0);
      t.true(equalBytes(a, Uint8Array.from(a)));
    }),
  );
  t.deepEqual(unhex('00FFa0'), new Uint8Array([0, 255, 160]));
  for (const text of ['0', 'gg', '0x00', ' 00', '00\n']) {
    t.throws(() => unhex(text), { instanceOf: RangeError });
  }
});

test('a broken claim of the program is no error that anyone handles', (t) => {
  t.notThrows(() => assert(true, 'holds'));
  t.throws(() => assert(0, 'does not hold'), { name: 'AssertionError', message: 'does not hold' });
  t.throws(() => unreachable('new' as never), { name: 'AssertionError' });
});

test('an error says what, why, its code and what may be done', (t) => {
  const cause = new TypeError('inner');
  const error = new HoldfastError('HF_JOURNAL_FAILED', { why: 'EIO', details: { seq: 7 }, cause });

  t.is(error.message, 'The journal cannot reach stable storage: EIO (HF_JOURNAL_FAILED)');
  t.like(error, { name: 'HoldfastError', code: 'HF_JOURNAL_FAILED', retry: 'later', why: 'EIO' });
  t.is(error.hint, errorCatalogue.HF_JOURNAL_FAILED.hint);
  t.is(error.cause, cause);
  t.true(Object.isFrozen(error.details));
  t.false('cause' in new HoldfastError('HF_USAGE'));
  t.is(codeOf(error), 'HF_JOURNAL_FAILED');
  t.is(codeOf(cause), undefined);
  t.true(isErrorCode('HF_USAGE'));
  for (const text of ['HF_NONE', 'toString', '__proto__', '', 7]) t.false(isErrorCode(text));
});

test('whatever was thrown has a message', (t) => {
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new RangeError('no');
    },
  });

  t.is(messageOf(new RangeError('far')), 'far');
  t.is(messageOf(new RangeError()), 'RangeError');
  t.is(messageOf('text'), 'text');
  t.is(messageOf(undefined), 'undefined');
  t.is(messageOf(Symbol('s')), 'Symbol(s)');
  for (const odd of [hostile, Object.create(null)]) t.regex(messageOf(odd), /cannot be shown/);
});

test('codes, messages and hints keep to one form', (t) => {
  for (const [code, { message, hint }] of Object.entries(errorCatalogue)) {
    t.regex(code, /^HF(?:_[A-Z]+)+$/);
    t.regex(message, /^[A-Z].*[^.\s]$/, code);
    t.regex(hint, /^[A-Z].*[.]$/, code);
  }
});

test('docs/ERRORS.md has exactly what the catalogue has', (t) => {
  const again = 'After a build, `node test/dist/support/errors-document.js` writes it anew.';
  const written = existsSync(errorsDocumentUrl) ? readFileSync(errorsDocumentUrl, 'utf8') : '';
  const documented = [...written.matchAll(/^### (HF_\w+)$/gm)].map(([, code]) => code);

  const missing = Object.keys(errorCatalogue).filter((code) => !documented.includes(code));
  t.deepEqual(missing, [], again);
  t.deepEqual(
    documented.filter((code) => !isErrorCode(code)),
    [],
    again,
  );
  t.is(written, errorsDocument(), again);
});

function linesOf(level: LogLevel, format: 'text' | 'json') {
  const lines: string[] = [];
  const log = createLog({
    component: 'uplink',
    level,
    format,
    nowMs: () => 0,
    write: (line) => lines.push(line),
  });
  return { log, lines };
}

test('a log has what its level lets through, a line each', (t) => {
  const { log, lines } = linesOf('info', 'text');
  log.error('the disk failed', {
    code: 'EIO',
    path: '/var/lib/my data',
    tries: 3,
    none: undefined,
  });
  log.info('connected');
  log.debug('not shown');

  t.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z ERROR the disk failed code=EIO path="/var/lib/my data" tries=3',
    '1970-01-01T00:00:00.000Z connected',
  ]);
});

test('a log for machines is JSON with the same fields', (t) => {
  const { log, lines } = linesOf('debug', 'json');
  log.debug('sent', { seq: 7n, hash: new Uint8Array([255]), error: new RangeError('far') });

  t.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'debug',
    component: 'uplink',
    msg: 'sent',
    seq: '7',
    hash: 'ff',
    error: 'far',
  });
});

test('nothing that is logged can throw or begin a line of its own', (t) => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const fields = {
    circle,
    fn: () => 1,
    symbol: Symbol('s'),
    forged: 'x\n1970 ERROR forged',
    escape: '\u001b[31m',
    bad: {
      toJSON: () => {
        throw new RangeError('no');
      },
    },
    empty: '',
    equals: 'a=b',
    big: { n: 1n },
  };
  for (const format of ['text', 'json'] as const) {
    const { log, lines } = linesOf('debug', format);
    log.info('peer said: a\r\nb\u001b[2J', fields);
    t.is(lines.length, 1);
    t.notRegex(lines[0] ?? '', /\p{Cc}/u);
  }
});

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

test('a chain begins bound to its device, its epoch and its lane', (t) => {
  const starts = ['dev-1', 'dev-2'].flatMap((device) =>
    [1, 2, 12].flatMap((epoch) =>
      lanes.map((lane) => hex(chainStart(sha256, { device, epoch, lane }))),
    ),
  );

  t.is(new Set(starts).size, starts.length);
  t.is(
    hex(chainStart(sha256, { device: 'dev-1', epoch: 1, lane: 'urgent' })),
    createHash('sha256').update('holdfast/1/dev-1/1/urgent').digest('hex'),
  );
});

test('a chain tells every entry and every order of entries apart', (t) => {
  const start = chainStart(sha256, { device: 'd', epoch: 1, lane: 'bulk' });
  const follow = (entries: readonly Uint8Array[]): string =>
    hex(entries.reduce((hash, entry) => chainNext(sha256, hash, entry), start));
  const different = fc.property(
    fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 4 }),
    fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 4 }),
    (a, b) => (follow(a) === follow(b)) === (JSON.stringify(a) === JSON.stringify(b)),
  );

  fc.assert(different, { numRuns: 300 });
  t.deepEqual(chainNext(sha256, start, new Uint8Array([1])), sha256(start, new Uint8Array([1])));
});

test('lanes keep their order', (t) => {
  t.deepEqual(lanes, ['urgent', 'normal', 'bulk']);
  t.deepEqual(lanes.map(laneIndex), [0, 1, 2]);
  t.deepEqual(
    eachLane((lane) => lane),
    [...lanes],
  );
});
