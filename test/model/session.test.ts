import ava from 'ava';
import { hasProgram } from '../support/program.ts';
import { explore, type Defines } from '../support/spin.ts';
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
const bounds = process.env['MODEL'] === 'long' ? { ...short, ...long } : short;

for (const [what, defines] of Object.entries(bounds)) {
  const sentence = 'in every order of events, each entry gets into the ledger once';
  test(`${sentence}: ${what} ${needs}`, async (t) => {
    t.timeout(3_600_000);
    const verdict = await explore(await tempDir(t), 'session.pml', defines);

    t.log(`${verdict.states} states`);
    t.is(verdict.errors, 0);
    t.true(verdict.isWhole, 'all states were seen');
  });
}

/** What is planted, and whether it shows only once the device was set back. */
const bugs: readonly (readonly [what: string, bug: number, rewinds?: number])[] = [
  ['the gateway acknowledges before it commits', 1],
  ['the gateway forgets a gap', 2],
  ['the device goes on one entry too late', 3],
  ['the gateway trusts in the order of messages', 4],
  ['the device takes a PUBACK for an ack', 5],
  ['the device never sends again', 6],
  ['the gateway compares no hashes', 7, 1],
  ['the device is deaf to gaps and to silence', 8],
  ['the device compares no hashes', 9, 1],
  ['the device counts what a lane of another history has', 10, 1],
];

test(`the model finds what is planted in it ${needs}`, async (t) => {
  const dir = await tempDir(t);
  for (const [what, bug, rewinds = 0] of bugs) {
    const defines = { URGENT: 0, NORMAL: 2, REWINDS: rewinds, BUG: bug };
    const { errors } = await explore(dir, 'session.pml', defines);
    t.is(errors, 1, what);
  }
});
