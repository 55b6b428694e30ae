import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  completionScript,
  completionWords,
  type CompletionPlace,
  type CompletionShell,
} from '@holdfast/protocol';
import { gatewayBinary } from '../support/gateway-process.ts';
import { holdfastBinary } from '../support/holdfast-cli.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { hasProgram } from '../support/program.ts';
import { allPrograms } from '../support/programs.ts';
import { tempDir } from '../support/temp-dir.ts';

const run = promisify(execFile);
const binaries = {
  holdfast: holdfastBinary,
  'holdfast-gateway': gatewayBinary,
  'holdfast-sim': fileURLToPath(
    new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url),
  ),
} as const;

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

/** How each shell reads a script without running it, and completes a line with it. */
const shells: Readonly<Record<CompletionShell, (program: string, line: string) => string>> = {
  bash: (program, line) => `
    source <(${program} completion bash)
    COMP_WORDS=(${line}) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _${program.replaceAll('-', '_')}
    printf '%s\n' "\${COMPREPLY[@]}"`,
  zsh: (program, line) => `
    compdef() { :; }
    compadd() { shift; print -l -- "$@"; }
    source <(${program} completion zsh)
    words=(${line}) CURRENT=\${#words}
    _${program.replaceAll('-', '_')}`,
  fish: (program, line) => `
    ${program} completion fish | source
    complete -C '${line}'`,
};

/** A directory with the programs by their names, as an install has them. */
async function installed(t: ExecutionContext): Promise<string> {
  const dir = await tempDir(t);
  for (const [name, path] of Object.entries(binaries)) {
    await writeFile(join(dir, name), `#!/bin/sh\nexec node ${path} "$@"\n`, { mode: 0o755 });
  }
  return dir;
}

const lines: readonly (readonly [program: keyof typeof binaries, line: string, found: string])[] = [
  ['holdfast', 'holdfast workflow sk', 'skip'],
  ['holdfast-gateway', 'holdfast-gateway ledger ver', 'verify'],
  ['holdfast-sim', 'holdfast-sim run city', 'city-outage'],
];

for (const [shell, scriptOf] of Object.entries(shells)) {
  const withShell = hasProgram(shell) ? test : test.skip;

  withShell(`needs ${shell}: it completes lines of all programs`, async (t) => {
    const PATH = `${await installed(t)}:${process.env['PATH']}`;
    await Promise.all(
      lines.map(async ([program, line, found]) => {
        const options = { env: { PATH, HOME: '/nonexistent' }, timeout: PATIENCE_MS };
        const { stdout, stderr } = await run(shell, ['-c', scriptOf(program, line)], options);
        t.is(stdout.trim().split('\n').toSorted().join(' '), found, `${line}: ${stderr}`);
      }),
    );
  });

  withShell(`needs ${shell}: it reads the scripts of all programs`, async (t) => {
    const dir = await tempDir(t);
    for (const program of programs.keys()) {
      const file = join(dir, program);
      await writeFile(file, completionScript(program, shell as CompletionShell));
      await t.notThrowsAsync(run(shell, ['-n', file]));
    }
  });
}
