import { execFileSync } from 'node:child_process';
import test from 'ava';
import {
  completionScript,
  completionWords,
  type CompletionPlace,
} from '@holdfast/protocol';
import { hasProgram } from '../support/program.ts';
import { allPrograms } from '../support/programs.ts';

const programs = await allPrograms();

/** What completes a line, the last word of which is unfinished. */
async function completed(
  program: string,
  line: string,
  find: (place: CompletionPlace) => Promise<readonly string[]> = async () => [],
): Promise<readonly string[]> {
  const command = programs.get(program);
  if (command === undefined) throw new Error(program);
  return completionWords(command, line.split(' '), find);
}

test('every program completes its commands, options and choices', async (t) => {
  t.deepEqual(await completed('holdfast', 'sta'), ['start', 'status']);
  t.deepEqual(await completed('holdfast', 'workflow sk'), ['skip']);
  t.deepEqual(await completed('holdfast', 'status -o '), ['json', 'jsonl', 'text']);
  t.deepEqual(await completed('holdfast-gateway', 'ledger ver'), ['verify']);
  t.deepEqual(await completed('holdfast-gateway', 'devices --tok'), ['--token-file']);
  t.deepEqual(await completed('holdfast-gateway', 'completion '), ['bash', 'fish', 'zsh']);
  t.deepEqual(await completed('holdfast-sim', 's'), ['size', 'soak']);
});

test('what only the place can tell is asked for by the name of the place', async (t) => {
  const seen: string[] = [];
  const find = async ({ name, before }: CompletionPlace) => {
    seen.push(`${name} behind ${before.join(' ')}`);
    return ['pump-1', 'till-1'];
  };

  t.deepEqual(await completed('holdfast-gateway', 'devices --data-dir g pu', find), ['pump-1']);
  t.deepEqual(await completed('holdfast-gateway', 'runs --device t', find), ['till-1']);
  t.deepEqual(await completed('holdfast', 'workflow show --reveal ', find), ['pump-1', 'till-1']);
  t.deepEqual(await completed('holdfast', 'workflow show a ', find), []);
  t.deepEqual(seen, [
    'device behind devices --data-dir g',
    '--device behind runs --device',
    'run behind workflow show --reveal',
  ]);
});

const withBash = hasProgram('bash') ? test : test.skip;

withBash('needs bash: it reads the scripts of all programs', (t) => {
  for (const program of programs.keys()) {
    const input = completionScript(program, 'bash');
    t.notThrows(() => execFileSync('bash', ['-n'], { input, stdio: ['pipe', 'pipe', 'pipe'] }));
  }
});
