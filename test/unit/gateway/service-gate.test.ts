import {
  attemptBegins,
  attemptEnded,
  newGate,
  readPolicy,
  type AttemptEnd,
  type Gate,
  type GateLimits,
} from '@holdfast/gateway/internal';
import test from 'ava';

const limits: GateLimits = {
  concurrency: 2,
  rate: undefined,
  breaker: { failures: 3, minPauseMs: 100, maxPauseMs: 250 },
};

type Step =
  /** At a time, an attempt at a call is to begin: `begins`, or how long it waits. */
  | readonly [atMs: number, key: string, 'begins' | number | undefined]
  /** It ends, and leaves the breaker so. */
  | readonly [atMs: number, key: string, AttemptEnd['outcome'], Gate['breaker']['kind'], number?];

function follow(steps: readonly Step[], of: Partial<GateLimits> = {}): readonly string[] {
  const own = { ...limits, ...of };
  let gate = newGate(own, 0);
  const wrong: string[] = [];
  for (const [index, [nowMs, key, what, breaker, retryAfterMs = 0]] of steps.entries()) {
    if (breaker === undefined) {
      const turn = attemptBegins(gate, { key, nowMs }, own);
      if (turn.kind === 'begins') gate = turn.gate;
      const told = turn.kind === 'begins' ? turn.kind : turn.inMs;
      if (told !== what) wrong.push(`${index}: ${told}, not ${what}`);
    } else {
      const outcome = what as AttemptEnd['outcome'];
      gate = attemptEnded(gate, { key, nowMs, outcome, retryAfterMs }, own);
      if (gate.breaker.kind !== breaker) wrong.push(`${index}: ${gate.breaker.kind}`);
    }
  }
  return wrong;
}

const fails = (atMs: number, key: string, then: Gate['breaker']['kind']): readonly Step[] => [
  [atMs, key, 'begins'],
  [atMs, key, 'unavailable', then],
];
const open = [...fails(0, 'a', 'closed'), ...fails(0, 'b', 'closed'), ...fails(0, 'c', 'open')];

const tables: Readonly<Record<string, readonly [Partial<GateLimits>, readonly Step[]]>> = {
  'no more attempts are under way than may be': [
    {},
    [
      [0, 'a', 'begins'],
      [0, 'b', 'begins'],
      [0, 'c', undefined],
      [1, 'a', 'answered', 'closed'],
      [1, 'c', 'begins'],
      [1, 'd', undefined],
    ],
  ],
  'failures of several calls in a row have the service left alone': [
    {},
    [...open, [40, 'd', 60], [100, 'd', 'begins'], [100, 'e', undefined]],
  ],
  'one answer in between begins the count anew': [
    {},
    [
      ...fails(0, 'a', 'closed'),
      ...fails(0, 'b', 'closed'),
      [0, 'c', 'begins'],
      [0, 'c', 'answered', 'closed'],
      ...fails(0, 'd', 'closed'),
      ...fails(0, 'e', 'closed'),
    ],
  ],
  'one call alone that fails again and again leaves the others their service': [
    {},
    Array.from({ length: 20 }, () => fails(0, 'poison', 'closed')).flat(),
  ],
  'the one that is let through decides: an answer closes': [
    {},
    [
      ...open,
      [100, 'd', 'begins'],
      [110, 'd', 'answered', 'closed'],
      [110, 'e', 'begins'],
      [110, 'f', 'begins'],
    ],
  ],
  'the one that is let through decides: each failure doubles the pause, up to the longest': [
    {},
    [
      ...open,
      ...fails(100, 'd', 'open'),
      [100, 'e', 200],
      ...fails(300, 'e', 'open'),
      [300, 'f', 250],
      ...fails(550, 'f', 'open'),
      [550, 'g', 250],
    ],
  ],
  'one that was let through and had expired lets the next one try at once': [
    {},
    [...open, [100, 'd', 'begins'], [101, 'd', 'unasked', 'open'], [101, 'e', 'begins']],
  ],
  'an attempt from before the service was left alone changes nothing': [
    { concurrency: 4 },
    [
      [0, 'x', 'begins'],
      ...open,
      [50, 'x', 'answered', 'open'],
      [60, 'd', 40],
      [100, 'd', 'begins'],
      [100, 'x', 'unavailable', 'half-open'],
    ],
  ],
  'a service that asks for a pause has it, for all calls': [
    {},
    [
      [0, 'a', 'begins'],
      [10, 'a', 'unavailable', 'closed', 1_000],
      [20, 'b', 990],
      [1_010, 'b', 'begins'],
    ],
  ],
  'as many begin in a time as the rate has, in a burst or one by one': [
    { rate: { attempts: 2, perMs: 1_000 }, concurrency: 9 },
    [
      [0, 'a', 'begins'],
      [0, 'b', 'begins'],
      [0, 'c', 500],
      [400, 'c', 100],
      [500, 'c', 'begins'],
      [500, 'd', 500],
      [60_000, 'd', 'begins'],
      [60_000, 'e', 'begins'],
      [60_000, 'f', 500],
    ],
  ],
  'a clock that stands still is no reason to begin more': [
    { rate: { attempts: 1, perMs: 1_000 } },
    [
      [0, 'a', 'begins'],
      [0, 'a', 'answered', 'closed'],
      [0, 'b', 1_000],
    ],
  ],
};

for (const [name, [of, steps]] of Object.entries(tables)) {
  test(name, (t) => t.deepEqual(follow(steps, of), []));
}

test('a policy is read from text', (t) => {
  t.deepEqual(readPolicy('timeout=10s, rate=5/s,attempts=unlimited,exhausted=fail'), {
    timeoutMs: 10_000,
    rate: { attempts: 5, perMs: 1_000 },
    attempts: Number.POSITIVE_INFINITY,
    exhausted: 'fail',
  });
  t.deepEqual(readPolicy('rate=100/2m').rate, { attempts: 100, perMs: 120_000 });
  t.is(readPolicy('breaker=9').breaker?.failures, 9);
});

test('a policy that cannot be kept is refused with what is wrong', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['tiemout=10s', /there is no "tiemout"/],
    ['timeout=soon', /timeout=soon/],
    ['timeout', /timeout/],
    ['attempts=0', /a whole number/],
    ['rate=5', /such as 5\/s/],
    ['rate=0/s', /such as 5\/s/],
    ['exhausted=perhaps', /park or fail/],
    ['__proto__=1', /there is no "__proto__"/],
    ['timeout=0s', /timeoutMs of handlers is 0/],
  ];
  for (const [text, message] of cases) t.throws(() => readPolicy(text), { message }, text);
});
