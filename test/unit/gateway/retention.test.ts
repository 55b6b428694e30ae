import {
  Retention,
  cutBlock,
  keepsOf,
  readKeepCommands,
  readRule,
  type Block,
  type PruneRequest,
} from '@holdfast/gateway/internal';
import test from 'ava';
import { SimClock } from '../../support/sim-clock.ts';

const hash = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const block: Block = {
  receivedAtMs: 7,
  previousHash: hash(0),
  entries: [1, 2, 3, 4].map((number) => ({ hash: hash(number), bytes: new Uint8Array(number) })),
};

/** `.` goes, `x` stays: ranges as seqs, with the hashes at their ends. */
const cuts: Readonly<Record<string, readonly [kept: unknown[], gone: unknown[]]>> = {
  xxxx: [[[10, 13, 0]], []],
  '....': [[], [[10, 13, 0, 4, 10]]],
  '.xxx': [[[11, 13, 1]], [[10, 10, 0, 1, 1]]],
  'xxx.': [[[10, 12, 0]], [[13, 13, 3, 4, 4]]],
  'x..x': [[[10, 10, 0], [13, 13, 3]], [[11, 12, 1, 3, 5]]],
  '.x.x': [[[11, 11, 1], [13, 13, 3]], [[10, 10, 0, 1, 1], [12, 12, 2, 3, 3]]],
};

for (const [picture, [kept, gone]] of Object.entries(cuts)) {
  test(`a block is cut: ${picture}`, (t) => {
    const isGone = Array.from(picture, (each) => each === '.');
    const cut = cutBlock(10, block, isGone);

    const ranges = cut.kept.map(({ seqFirst, block: { entries, previousHash, receivedAtMs } }) => {
      t.is(receivedAtMs, 7);
      return [seqFirst, seqFirst + entries.length - 1, previousHash[0]];
    });
    t.deepEqual(ranges, kept);
    const holes = cut.gone.map((each) => {
      const { seqFirst, seqLast, previousHash, hash: end, bytes } = each;
      return [seqFirst, seqLast, previousHash[0], end[0], bytes];
    });
    t.deepEqual(holes, gone);
  });
}

test('of the rules that fit, the one that says most holds', (t) => {
  const rules = ['90d', '30d workflow=checkout', '7d tag=site=oslo', 'forever workflow=payroll'];
  const days = (tags: readonly { name: string; value: string }[], workflow?: string) =>
    keepsOf(rules.map(readRule), tags)(workflow) / 86_400_000;
  const oslo = [{ name: 'site', value: 'oslo' }];

  t.deepEqual([days([]), days([], 'checkout'), days([], 'other')], [90, 30, 90]);
  t.deepEqual([days(oslo), days(oslo, 'checkout'), days(oslo, 'other')], [7, 30, 7]);
  t.is(days(oslo, 'payroll'), Number.POSITIVE_INFINITY);
  const both = [...rules, '1d workflow=checkout tag=site=oslo'].map(readRule);
  t.is(keepsOf(both, oslo)('checkout'), 86_400_000);
  t.is(keepsOf([readRule('1d workflow=a')], [])(undefined), Number.POSITIVE_INFINITY);
});

test('a rule that cannot be kept is refused with what is wrong', (t) => {
  for (const text of ['', 'soon', '1s', '30d checkout', '30d tag=site', '30d workflow=']) {
    t.throws(() => readRule(text), { code: 'HF_USAGE' }, text);
  }
});

test('the ledger is pruned by its rules now and again', async (t) => {
  const clock = new SimClock();
  const asked: PruneRequest[] = [];
  const parts = {
    ...{ clock, owner: 'me', log: { error: () => {}, info: () => {}, debug: () => {} } },
    ledger: {
      prune: async (request: PruneRequest) => {
        asked.push(request);
        if (asked.length === 1) throw new Error('the ledger is away');
        return { entries: 1, bytes: 1, runs: 0, commands: 0 };
      },
    },
  };
  const keepCommandsMs = readKeepCommands('90d');
  const retention = new Retention({ ...parts, keepCommandsMs, rules: [readRule('30d')] });
  await clock.advance(60_000);
  await clock.advance(10 * 60_000);
  await clock.advance(6 * 60 * 60_000);
  await retention.close();
  await clock.advance(24 * 60 * 60_000);

  t.is(asked.length, 3);
  t.like(asked[0], { owner: 'me', rules: [{ keepMs: 30 * 86_400_000 }] });
  t.is(asked[0]?.keepCommandsMs, 90 * 86_400_000);
});
