import ava from 'ava';
import { hasProgram } from '../support/program.ts';
import { compileModel, type Defines } from '../support/spin.ts';
import { tempDir } from '../support/temp-dir.ts';

const needs = '(needs spin and cc)';
const isThere = hasProgram('spin') && hasProgram('cc');
const test = isThere ? ava.serial : ava.serial.skip;

/** Bounds by what is looked at. The long form: `npm run test:model`. */
const short: Readonly<Record<string, Defines>> = {
  'two commands, one message each way': { COMMANDS: 2, CAP: 1 },
};
const long: Readonly<Record<string, Defines>> = {
  'one command': { COMMANDS: 1 },
  'three commands, one message each way': { COMMANDS: 3, CAP: 1 },
  'two commands, one on its way': { COMMANDS: 2, WINDOW: 1 },
};
const isLong = process.env['MODEL'] === 'long';
const work = isLong ? 'much' : 'little';
const bounds = isLong ? { ...short, ...long } : short;

for (const [what, defines] of Object.entries(bounds)) {
  const sentence = 'in every order of events, each command is obeyed once or expires';
  test(`${sentence}: ${what} ${needs}`, async (t) => {
    t.timeout(3_600_000);
    const { explore } = await compileModel(await tempDir(t), 'commands.pml', { defines, work });
    const verdict = await explore();

    t.log(`${verdict.states} states`);
    t.is(verdict.errors, 0);
    t.true(verdict.isWhole, 'all states were seen');
  });
}

/** What is planted, and how many commands show it. */
const bugs: Readonly<Record<string, readonly [bug: number, commands: number]>> = {
  'the effect is durable before the number is': [1, 1],
  'the device obeys what it has obeyed': [2, 2],
  'the device obeys whatever is newer': [3, 2],
  'the gateway sends once in a session': [4, 2],
  'the receipt goes up before it is durable': [5, 2],
  'the device judges before it was told the time': [6, 2],
  'the command goes down before it is durable': [7, 1],
  'a gateway that was restarted waits for a hello': [8, 2],
};

test(`the model of commands finds what is planted in it ${needs}`, async (t) => {
  const dir = await tempDir(t);
  for (const COMMANDS of [1, 2]) {
    const defines = { COMMANDS, PLANTED: 1 };
    const { explore } = await compileModel(dir, 'commands.pml', { defines });
    for (const [what, [bug, commands]] of Object.entries(bugs)) {
      if (commands === COMMANDS) t.is((await explore(bug)).errors, 1, what);
    }
  }
});
