import ava from 'ava';
import { hasProgram } from '../support/program.ts';
import { compileModel, type Defines } from '../support/spin.ts';
import { tempDir } from '../support/temp-dir.ts';

const needs = '(needs spin and cc)';
const isThere = hasProgram('spin') && hasProgram('cc');
const test = isThere ? ava.serial : ava.serial.skip;

/** Bounds by what is looked at. The long form: `npm run test:model`. */
const short: Readonly<Record<string, Defines>> = {
  'two lanes of one entry': { URGENT: 1, NORMAL: 1 },
  'one lane of two entries, in batches of one and two': { URGENT: 0, NORMAL: 2 },
  'one lane of one entry, set back once': { URGENT: 0, NORMAL: 1, REWINDS: 1 },
};
const long: Readonly<Record<string, Defines>> = {
  'lanes of one and two entries': { URGENT: 1, NORMAL: 2 },
  'one lane of three entries, three in flight': { URGENT: 0, NORMAL: 3, WINDOW: 3 },
  'one lane of two entries, three messages each way': { URGENT: 0, NORMAL: 2, CAP: 3 },
  'two lanes of one entry, set back once': { URGENT: 1, NORMAL: 1, REWINDS: 1 },
  'one lane of two entries, set back once': { URGENT: 0, NORMAL: 2, REWINDS: 1 },
};
const isLong = process.env['MODEL'] === 'long';
const work = isLong ? 'much' : 'little';
const bounds = isLong ? { ...short, ...long } : short;

for (const [what, defines] of Object.entries(bounds)) {
  const sentence = 'in every order of events, each entry gets into the ledger once';
  test(`${sentence}: ${what} ${needs}`, async (t) => {
    t.timeout(3_600_000);
    const dir = await tempDir(t);
    const { explore } = await compileModel(dir, 'session.pml', { defines, work });
    const verdict = await explore();

    t.log(`${verdict.states} states`);
    t.is(verdict.errors, 0);
    t.true(verdict.isWhole, 'all states were seen');
  });
}

/** What is planted. */
type Bugs = readonly (readonly [what: string, bug: number])[];
const bugs: Bugs = [
  ['the gateway acknowledges before it commits', 1],
  ['the gateway forgets a gap', 2],
  ['the device goes on one entry too late', 3],
  ['the gateway trusts in the order of messages', 4],
  ['the device takes a PUBACK for an ack', 5],
  ['the device never sends again', 6],
  ['the device is deaf to gaps and to silence', 8],
  ['the device takes what is kept for acknowledged', 11],
  ['the device sends what is kept never again', 12],
  ['the gateway acknowledges what it keeps', 13],
];
/** What shows only once the device was set back. */
const rewindBugs: Bugs = [
  ['the gateway compares no hashes', 7],
  ['the device compares no hashes', 9],
  ['the device counts what a lane of another history has', 10],
  ['the gateway takes what it kept without comparing', 14],
];

test(`the model finds what is planted in it ${needs}`, async (t) => {
  const dir = await tempDir(t);
  for (const [REWINDS, planted] of [bugs, rewindBugs].entries()) {
    const defines = { URGENT: 0, NORMAL: 2, REWINDS, PLANTED: 1 };
    const options = { defines, work: REWINDS === 0 ? 'little' : 'some' } as const;
    const { explore } = await compileModel(dir, 'session.pml', options);
    for (const [what, bug] of planted) t.is((await explore(bug)).errors, 1, what);
  }
});
