import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyJournal } from '@holdfast/agent/internal';
import { codeOf } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { eventually, faultyAgent, type FaultyAgent } from '../support/faults/faulty.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const withShim = hasProgram('cc') ? test.serial : test.serial.skip;

const start = ({ ask }: FaultyAgent, workflow: string, id: string): Promise<unknown> =>
  ask((client) => client.start({ workflow, input: 1, id }));

async function stateOf({ ask }: FaultyAgent, run: string): Promise<string> {
  return (await ask((client) => client.run(run))).state;
}

async function isOver(device: FaultyAgent, run: string): Promise<boolean> {
  return (await stateOf(device, run)) === 'completed';
}

/** Ends the agent in order, and reads all that it has left. */
async function checkWhole(t: ExecutionContext, device: FaultyAgent): Promise<void> {
  t.is(await device.agent.end('SIGTERM'), 0);
  const { whole, faults } = await verifyJournal(device.dataDir);
  t.deepEqual({ whole, faults }, { whole: true, faults: [] });
  const ended = await holdfast(['workflow', 'ls', '--all', '--data-dir', device.dataDir]);
  t.is(ended.code, 0, ended.stderr);
}

const faults: Readonly<Record<string, string>> = {
  'a full disk': 'write 28 0',
  'a quota that is used up': 'write 122 0',
  'a disk that fails writes': 'write 5 2',
  'a disk that fails syncs': 'sync 5 0',
  'a file system that became read-only': 'all 30 0',
};

for (const [name, order] of Object.entries(faults)) {
  withShim(`${name} is survived in the same process, and loses nothing (needs cc)`, async (t) => {
    const device = await faultyAgent(t);
    const { ask } = device;
    for (const id of ['r1', 'r2', 'r3']) await start(device, 'work', id);
    await start(device, 'hold', 'held');
    await eventually('r3', () => isOver(device, 'r3'));

    await device.order(order);
    // Its commit is the one that fails, or one soon after: until then it is taken.
    const doubtful = ask((client) => client.signal({ run: 'held', name: 'go', id: 's1' }));
    const status = () => ask((client) => client.status());
    await eventually('it is told', async () => (await status()).journal.state === 'failed');
    const refused = await Promise.all([
      start(device, 'work', 'refused').catch(codeOf),
      ask((client) => client.emit({ name: 'fact' })).catch(codeOf),
    ]);
    const told = await status();
    const shown = await holdfast(['status', '--data-dir', device.dataDir]);

    t.deepEqual(refused, ['HF_JOURNAL_FAILED', 'HF_JOURNAL_FAILED']);
    t.is(told.journal.problem?.code, 'HF_JOURNAL_FAILED');
    t.is(told.agent.pid, device.agent.child.pid ?? 0);
    t.is(shown.code, 1, shown.stderr);
    t.regex(shown.stdout, /HF_JOURNAL_FAILED/);

    await device.order('');
    await eventually('it goes on', async () => (await status()).journal.state === 'ok');
    await doubtful;
    await eventually('what was under way', () => isOver(device, 'held'));
    await start(device, 'work', 'later');
    await eventually('later work', () => isOver(device, 'later'));
    for (const id of ['r1', 'r2', 'r3']) t.is(await stateOf(device, id), 'completed');
    t.is(await start(device, 'work', 'r1').then(() => 'attached', codeOf), 'attached');
    t.is((await status()).agent.pid, device.agent.child.pid ?? 0, 'it is the same process');
    await checkWhole(t, device);
  });
}

withShim('syncs of seconds hold up what waits for them, and nothing else (needs cc)', async (t) => {
  const device = await faultyAgent(t);
  await start(device, 'work', 'before');
  await device.order('slow 1500 0');

  const slow = start(device, 'work', 'slow');
  const answersMs: number[] = [];
  for (let look = 0; look < 20; look += 1) {
    const beganMs = performance.now();
    await device.ask((client) => client.status());
    answersMs.push(performance.now() - beganMs);
  }
  await slow;
  await device.order('');
  await eventually('slow', () => isOver(device, 'slow'));

  t.true(Math.max(...answersMs) < 1_000, `answers took up to ${Math.max(...answersMs)} ms`);
  await checkWhole(t, device);
});

const withMount = process.getuid?.() === 0 && hasProgram('mount') ? test.serial : test.serial.skip;

withMount('a full file system is waited for until there is room (needs root)', async (t) => {
  const mount = await tempDir(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mount]);
  t.teardown(() => execFileSync('umount', ['-l', mount]));
  const device = await faultyAgent(t, { dataDir: join(mount, 'data'), isShimmed: false });
  const { ask } = device;
  const state = async () => (await ask((client) => client.status())).journal.state;
  await start(device, 'work', 'before');
  await eventually('before', () => isOver(device, 'before'));

  // As much as there is: the last write is cut short.
  await writeFile(join(mount, 'filler'), new Uint8Array(64 * 1024 * 1024)).catch(() => undefined);
  const payload = 'x'.repeat(4_000);
  const emit = () => ask((client) => client.emit({ name: 'fact', payload }));
  const waiting: Promise<unknown>[] = [];
  await eventually('it is told', async () => {
    waiting.push(emit().catch(codeOf));
    return (await state()) === 'failed';
  });
  t.is(await start(device, 'work', 'refused').catch(codeOf), 'HF_JOURNAL_FAILED');

  await rm(join(mount, 'filler'));
  await eventually('it goes on', async () => (await state()) === 'ok');
  await Promise.all(waiting);
  await start(device, 'work', 'after');
  await eventually('after', () => isOver(device, 'after'));
  t.is(await stateOf(device, 'before'), 'completed');
  await checkWhole(t, device);
});

test.serial('a data directory that is removed under a running agent is noticed', async (t) => {
  const device = await faultyAgent(t, { isShimmed: false });
  await start(device, 'work', 'before');
  await rm(device.dataDir, { recursive: true });

  const { child, stderr } = device.agent;
  await eventually('it ends', async () => {
    await device.ask((client) => client.emit({ name: 'fact' })).catch(codeOf);
    return child.exitCode !== null;
  });

  t.not(child.exitCode, 0);
  t.regex(stderr(), /HF_DATA_DIR_MISSING/);
});
