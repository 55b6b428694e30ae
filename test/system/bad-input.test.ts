import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createSocketServer } from '@holdfast/agent/internal';
import { Gateway } from '@holdfast/gateway';
import { Exit } from '@holdfast/protocol';
import type { Command } from 'commander';
import { complaint, hostile, outcomeOf, tryHostile, wrongLines } from '../support/bad-lines.ts';
import { allPrograms, leavesOf } from '../support/programs.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
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

/** Do not end, or write where they are told to. */
const notAsked = new Set([
  ...['run', 'top', 'completion', 'diag', 'doctor', 'explain', 'config list', 'config lint'],
  'version',
]);

test('what is hostile in the place of a value gets an answer or three lines', async (t) => {
  const path = `${await tempDir(t)}/agent.sock`;
  const log = { error: () => undefined, info: () => undefined, debug: () => undefined };
  const server = await createSocketServer({ path, surface: new ScriptedSurface(), log });
  t.teardown(() => server.close());
  const program = (await allPrograms()).get('holdfast') as Command;
  const leaves = leavesOf(program).filter(
    ({ name, command }) =>
      !notAsked.has(name) && command.options.some(({ long }) => long === '--socket'),
  );
  const { count, complaints } = await tryHostile({
    ...{ program, values: hostile },
    leaves: leaves.filter(({ name }) => !name.startsWith('store')),
    fixed: ({ name }) => ['--socket', path, ...(name === 'wait' ? ['--timeout', '10ms'] : [])],
    // Say where the agent is, read stdin, or say that what is shown goes on.
    untried: new Set([
      ...['--input-lines', '--socket', '--data-dir', '--store-key-file', '--watch', '--follow'],
    ]),
    codes: [Exit.ok, Exit.failed, Exit.usage, Exit.notFound, Exit.conflict, Exit.timedOut],
  });

  t.true(count > 500, String(count));
  t.deepEqual(complaints, []);
});

interface Tried {
  readonly count: number;
  readonly complaints: readonly string[];
}

/** In a process of its own, since these programs print to its stdout. */
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

// The long form has every value: HOSTILE=all npm test -- bad-input
test('what is hostile gets an answer or three lines from a gateway, which goes on', async (t) => {
  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0, httpPort: 0 });
  t.teardown(() => gateway.close());

  const { count, complaints } = await tried(
    ...([t, 'holdfast-gateway', gateway.httpUrl, gateway.tokenFile] as const),
  );

  t.true(count > 300, String(count));
  t.deepEqual(complaints, []);
  t.deepEqual(gateway.unready(), []);
});

test('what is hostile gets an answer or three lines from a simulation', async (t) => {
  const { count, complaints } = await tried(t, 'holdfast-sim');

  t.true(count > 100, String(count));
  t.deepEqual(complaints, []);
});
