import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Gateway } from '@holdfast/gateway';
import { Exit } from '@holdfast/protocol';
import { complaint, outcomeOf, wrongLines } from '../support/bad-lines.ts';
import { helpOf } from '../support/command-help.ts';
import { contradictions, precedence } from '../support/contradictions.ts';
import { allPrograms, leavesOf } from '../support/programs.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Takes any text as its last word, to be completed. */
const takesAll = new Set(
  ['holdfast', 'holdfast-gateway', 'holdfast-sim'].map((name) => `${name} completion`),
);

test('every command refuses what is wrong, missing or too much, in three lines', async (t) => {
  const complaints: string[] = [];
  let count = 0;
  for (const [name, program] of await allPrograms()) {
    const leaves = leavesOf(program).filter((leaf) => !takesAll.has(`${name} ${leaf.name}`));
    for (const leaf of leaves) {
      for (const line of wrongLines(leaf)) {
        const outcome = await outcomeOf(program, [...leaf.name.split(' '), ...line]);
        const why = complaint(outcome, [Exit.usage]);
        count += 1;
        if (why !== undefined) {
          complaints.push(`${name} ${leaf.name} ${line.join(' ').slice(0, 80)}: ${why}`);
        }
      }
    }
  }

  t.true(count > 500, String(count));
  t.deepEqual(complaints, []);
});

test('options that exclude one another are refused by their names', async (t) => {
  const programs = await allPrograms();
  const complaints: string[] = [];

  for (const [name, program] of programs) {
    for (const [line, ...named] of contradictions[name] ?? []) {
      const outcome = await outcomeOf(program, line.split(' '));
      const why = complaint(outcome, [Exit.usage, Exit.config]);
      const unnamed = named.filter((each) => outcome.text?.includes(each) !== true);
      if (why !== undefined) complaints.push(`${name} ${line}: ${why}`);
      else if (unnamed.length > 0) complaints.push(`${name} ${line}: ${outcome.text}`);
    }
  }

  t.deepEqual(complaints, []);
});

test('where two options may be given together, the help says which one goes first', async (t) => {
  const programs = await allPrograms();

  for (const [name, command, said] of precedence) {
    const program = programs.get(name);
    const inner = program?.commands.find((each) => each.name() === command);
    const found = command === '' ? program : inner;
    const help = found === undefined ? '' : helpOf(found).after.replace(/\s+/g, ' ');
    t.regex(help, said, `${name} ${command}`);
  }
});

interface Tried {
  readonly count: number;
  readonly complaints: readonly string[];
}

/** Every command that there is, with every place of it that takes a value. */
async function tried(t: ExecutionContext, ...args: readonly string[]): Promise<Tried> {
  const script = fileURLToPath(new URL('../support/hostile-lines.js', import.meta.url));
  const child = fork(script, args, {
    cwd: await tempDir(t),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr?.on('data', (text) => (said += text));
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`it ended: ${said}`)));
  const [found] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return found as Tried;
}

test('what is hostile gets an answer or three lines from holdfast', async (t) => {
  const { count, complaints } = await tried(t, 'holdfast');

  t.true(count > 3_000, String(count));
  t.deepEqual(complaints, []);
});

// The long form has every value: HOSTILE=all npm test -- bad-input
test('what is hostile gets an answer or three lines from a gateway, which goes on', async (t) => {
  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0, httpPort: 0 });
  t.teardown(() => gateway.close());

  const { count, complaints } = await tried(
    ...([t, 'holdfast-gateway', gateway.httpUrl, gateway.tokenFile] as const),
  );

  t.true(count > 1_500, String(count));
  t.deepEqual(complaints, []);
  t.deepEqual(gateway.unready(), []);
});

test('what is hostile gets an answer or three lines from a simulation', async (t) => {
  const { count, complaints } = await tried(t, 'holdfast-sim');

  t.true(count > 100, String(count));
  t.deepEqual(complaints, []);
});
