import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, readdir, rename, rm, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyJournal } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { codeOf } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { faultyAgent, type FaultyAgent } from '../support/faults/faulty.ts';
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
  'a disk that fails reads': 'read 5 0',
  'a system without a file descriptor': 'open 23 0',
};

for (const [name, order] of Object.entries(faults)) {
  withShim(`${name} is survived in the same process, and loses nothing (needs cc)`, async (t) => {
    const device = await faultyAgent(t);
    const { ask } = device;
    for (const id of ['r1', 'r2', 'r3']) await start(device, 'work', id);
    await start(device, 'hold', 'held');
    const goOn = await device.gate('gated');
    await until('r3', () => isOver(device, 'r3'));

    // What is cached needs no read: a failed sync has the store opened anew, which does.
    await device.order(order.startsWith('read') ? 'sync 5 0' : order);
    const signal = () => ask((client) => client.signal({ run: 'held', name: 'go', id: 's1' }));
    // Its commit is the one that fails, or one soon before or after that.
    const doubtful = signal().catch(codeOf);
    await goOn();
    const status = () => ask((client) => client.status());
    await until('it is told', async () => (await status()).journal.state === 'failed');
    await device.order(order);
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
    await until('it goes on', async () => (await status()).journal.state === 'ok');
    if ((await doubtful) === 'HF_JOURNAL_FAILED') await signal();
    await until('what was under way', () => isOver(device, 'held'));
    await until('what was at work', () => isOver(device, 'gated'));
    await start(device, 'work', 'later');
    await until('later work', () => isOver(device, 'later'));
    t.is((await status()).epoch, 1, 'nothing of it was taken for damage');
    for (const id of ['r1', 'r2', 'r3']) t.is(await stateOf(device, id), 'completed');
    t.is(await start(device, 'work', 'r1').then(() => 'attached', codeOf), 'attached');
    t.is((await status()).agent.pid, device.agent.child.pid ?? 0, 'it is the same process');
    await checkWhole(t, device);
  });
}

withShim('syncs of seconds hold up what waits for them, and nothing else (needs cc)', async (t) => {
  const device = await faultyAgent(t);
  await start(device, 'work', 'before');
  await device.order('slow 2500 0');

  const slow = start(device, 'work', 'slow');
  const answersMs: number[] = [];
  for (let look = 0; look < 20; look += 1) {
    const beganMs = performance.now();
    await device.ask((client) => client.status());
    answersMs.push(performance.now() - beganMs);
  }
  await slow;
  const { journal, problems } = await device.ask((client) => client.status());
  const shown = await holdfast(['status', '--data-dir', device.dataDir]);
  await device.order('');
  await until('slow', () => isOver(device, 'slow'));

  t.true((journal.syncMs?.max ?? 0) >= 2_500);
  t.is(problems[0]?.code, 'HF_DISK_SLOW');
  t.is(shown.code, 0, 'it works');
  t.regex(shown.stdout, /disk +syncs: half within .+ longest 3 s, of \d+\n[^]*HF_DISK_SLOW/);
  t.regex(device.agent.stderr(), /the disk is slow/);
  t.true(Math.max(...answersMs) < 1_000, `answers took up to ${Math.max(...answersMs)} ms`);
  await checkWhole(t, device);
});

withShim('a start on a disk that does not read takes nothing for damage (needs cc)', async (t) => {
  const device = await faultyAgent(t);
  const { dataDir } = device;
  await start(device, 'work', 'r1');
  await until('r1', () => isOver(device, 'r1'));
  t.is(await device.agent.end('SIGTERM'), 0);
  const store = join(dataDir, 'store');

  for (const below of [dataDir, store]) {
    const ended = await t.throwsAsync(faultyAgent(t, { dataDir, below, order: 'read 5 0' }));
    t.regex(ended.message, /HF_JOURNAL_FAILED[^]+cause: .+(does not read|input\/output error)/);
  }
  const hung = await faultyAgent(t, { dataDir, below: store, order: 'read 5 -3' });
  const { epoch, problems } = await hung.ask((client) => client.status());

  t.deepEqual({ epoch, problems }, { epoch: 1, problems: [] }, 'it answers again');
  t.is(await stateOf(hung, 'r1'), 'completed');
  await checkWhole(t, hung);
});

withShim('a file that no read brings back is damage, and is told (needs cc)', async (t) => {
  const device = await faultyAgent(t);
  const { dataDir } = device;
  await start(device, 'work', 'r1');
  await until('r1', () => isOver(device, 'r1'));
  t.is(await device.agent.end('SIGTERM'), 0);
  const store = join(dataDir, 'store');
  const log = (await readdir(store)).find((name) => name.endsWith('.log')) ?? '';

  const again = await faultyAgent(t, { dataDir, below: join(store, log), order: 'read 5 0' });
  const { epoch, problems } = await again.ask((client) => client.status());

  t.is(epoch, 2);
  t.is(problems[0]?.code, 'HF_STORE_SALVAGED');
  t.regex(problems[0]?.message ?? '', /\.log cannot be read: input\/output error/);
  await start(again, 'work', 'r2');
  await until('r2', () => isOver(again, 'r2'));
  await checkWhole(t, again);
});

const withMount = process.getuid?.() === 0 && hasProgram('mount') ? test.serial : test.serial.skip;

test.serial('a table that is gone under the process ends it, and no other start', async (t) => {
  const device = await faultyAgent(t, { isShimmed: false });
  const { dataDir, ask } = device;
  const store = join(dataDir, 'store');
  await (
    await device.gate('g')
  )();
  await until('g', () => isOver(device, 'g'));
  const tables = (await readdir(store)).filter((name) => name.endsWith('.ldb'));
  t.true(tables.length > 0);

  // What is mapped into memory and cannot be read is no error that a process could catch.
  for (const table of tables) await truncate(join(store, table), 4_096);
  const { child } = device.agent;
  await until('it ends', async () => {
    await ask((client) => client.history('g')).catch(codeOf);
    return child.exitCode !== null || child.signalCode !== null;
  });
  const again = await faultyAgent(t, { dataDir, isShimmed: false });
  const { epoch, problems } = await again.ask((client) => client.status());

  t.is(epoch, 2);
  t.is(problems[0]?.code, 'HF_STORE_SALVAGED');
  t.regex(problems[0]?.message ?? '', /is cut off/);
  await start(again, 'work', 'later');
  await until('later', () => isOver(again, 'later'));
  await checkWhole(t, again);
});

const MIB = 1024 * 1024;

/** A tmpfs of 136 MiB: of that, a sixteenth is its reserve. */
async function smallDisk(t: ExecutionContext) {
  const mount = await tempDir(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=136m', 'tmpfs', mount]);
  t.teardown(() => execFileSync('umount', ['-l', mount]));
  const filler = join(mount, 'filler');
  return {
    dataDir: join(mount, 'data'),
    /** Leaves so many bytes free; of the last of them, a write gets a part. */
    fill: async (freeBytes: number, path = filler): Promise<void> => {
      const { bavail, bsize } = await statfs(mount);
      const bytes = new Uint8Array(Math.max(0, bavail * bsize - freeBytes));
      await appendFile(path, bytes).catch(() => undefined);
      if (freeBytes === 0) await appendFile(path, new Uint8Array(MIB)).catch(() => undefined);
    },
    free: () => rm(filler),
    ballastBytes: () =>
      stat(join(mount, 'data', 'ballast')).then(
        ({ size }) => size,
        () => 0,
      ),
    limitFiles: (free: number): void => {
      const used = Number(execFileSync('df', ['--output=iused', mount]).toString().split('\n')[1]);
      execFileSync('mount', ['-o', `remount,nr_inodes=${used + free}`, mount]);
    },
  };
}

withMount('a full disk refuses new work in time, and open runs end (needs root)', async (t) => {
  const disk = await smallDisk(t);
  const device = await faultyAgent(t, { dataDir: disk.dataDir, isShimmed: false });
  const { ask } = device;
  const journal = async () => (await ask((client) => client.status())).journal;
  const emit = () => ask((client) => client.emit({ name: 'fact' })).catch(codeOf);
  const refused = async () => (await emit()) === 'HF_DISK_FULL';
  const [first, second] = [await device.gate('first'), await device.gate('second')];

  await disk.fill(20 * MIB);
  await until('the ballast', async () => {
    await emit();
    return (await disk.ballastBytes()) === 8 * MIB;
  });
  await disk.fill(4 * MIB);
  await until('new work is refused', refused);
  const told = await ask((client) => client.status());
  t.like(told.journal, { state: 'full', problem: { code: 'HF_DISK_FULL' } });
  await first();
  await until('a run ends in the reserve', () => isOver(device, 'first'));
  await disk.fill(0);
  await second();
  await until('another one has the ballast', () => isOver(device, 'second'));
  t.is(await disk.ballastBytes(), 0);
  t.is(await start(device, 'work', 'refused').catch(codeOf), 'HF_DISK_FULL');

  await disk.free();
  await until('it goes on', async () => (await journal()).state === 'ok');
  await start(device, 'work', 'after');
  await until('after', () => isOver(device, 'after'));
  const { rows } = await ask((client) => client.journal({ lane: 'urgent', limit: 10 }));
  const [refusing, accepting] = rows.map(({ value }) => value as Record<string, unknown>);
  t.is(rows.length, 2);
  t.is(refusing?.['code'], 'HF_DISK_FULL');
  t.true(Number(accepting?.['refused']) >= 2);

  await disk.fill(20 * MIB);
  await until('another ballast', async () => {
    await emit();
    return (await disk.ballastBytes()) === 8 * MIB;
  });
  t.is(await device.agent.end('SIGTERM'), 0);
  await disk.fill(0);
  const again = await faultyAgent(t, { dataDir: disk.dataDir, isShimmed: false });
  t.is((await again.ask((client) => client.status())).journal.state, 'full', 'it starts in it');
  t.is(await stateOf(again, 'second'), 'completed');
  await disk.free();
  await checkWhole(t, again);
});

withMount(
  'a table that filled the disk and was not finished is in no way (needs root)',
  async (t) => {
    const disk = await smallDisk(t);
    const device = await faultyAgent(t, { dataDir: disk.dataDir, isShimmed: false });
    const goOn = await device.gate('open');
    const left = join(disk.dataDir, 'store', '900000.ldb');

    await disk.fill(0, left);
    await goOn();
    await until('what was at work', () => isOver(device, 'open'));
    t.false(existsSync(left));
    t.is(await device.agent.end('SIGTERM'), 0);
    await disk.fill(0, left);
    const again = await faultyAgent(t, { dataDir: disk.dataDir, isShimmed: false });

    t.false(existsSync(left));
    t.is((await again.ask((client) => client.status())).epoch, 1);
    t.is(await stateOf(again, 'open'), 'completed');
    await checkWhole(t, again);
  },
);

withMount('a disk without inodes refuses new work, and waits (needs root)', async (t) => {
  const disk = await smallDisk(t);
  const device = await faultyAgent(t, { dataDir: disk.dataDir, isShimmed: false });
  const { ask } = device;
  const journal = async () => (await ask((client) => client.status())).journal;
  const goOn = await device.gate('open');

  disk.limitFiles(0);
  const emit = () => ask((client) => client.emit({ name: 'fact' })).catch(codeOf);
  await until('new work is refused', async () => (await emit()) === 'HF_DISK_FULL');
  t.regex((await journal()).problem?.message ?? '', /no inodes/);
  await goOn();
  await until('it is told', async () => (await journal()).state === 'failed');
  t.is(await emit(), 'HF_JOURNAL_FAILED');

  disk.limitFiles(1_000);
  await until('it goes on', async () => (await journal()).state === 'ok');
  await until('what was at work', () => isOver(device, 'open'));
  await checkWhole(t, device);
});

const withLimit = hasProgram('prlimit') ? test.serial : test.serial.skip;

withLimit('without file descriptors a process waits for some (needs prlimit)', async (t) => {
  const device = await faultyAgent(t, { isShimmed: false });
  const { child, stderr } = device.agent;
  const limit = (files: string) =>
    execFileSync('prlimit', ['--pid', String(child.pid), `--nofile=${files}`]);
  const goOn = await device.gate('open');

  limit('3:');
  await goOn();
  await until('it is told', async () => /Too many open files/.test(stderr()));
  limit('1024:');
  await until('it goes on', () => isOver(device, 'open'));

  t.is(child.exitCode, null);
  await checkWhole(t, device);
});

const removals: Readonly<Record<string, (dataDir: string) => Promise<unknown>>> = {
  'is removed': (dataDir) => rm(dataDir, { recursive: true }),
  'is moved away': (dataDir) => rename(dataDir, `${dataDir}-moved`),
  'loses its store': (dataDir) => rename(join(dataDir, 'store'), join(dataDir, 'elsewhere')),
};

for (const [what, remove] of Object.entries(removals)) {
  test.serial(`a data directory that ${what} under an idle agent is noticed`, async (t) => {
    const device = await faultyAgent(t, { isShimmed: false });
    await start(device, 'work', 'before');
    await until('before', () => isOver(device, 'before'));

    await remove(device.dataDir);

    const { child, stderr } = device.agent;
    await until('it ends', async () => child.exitCode !== null);
    t.not(child.exitCode, 0);
    t.regex(stderr(), /HF_DATA_DIR_MISSING/);
  });
}

test.serial('files that are removed from under a busy agent are noticed', async (t) => {
  const device = await faultyAgent(t, { isShimmed: false });
  await start(device, 'work', 'before');
  const store = join(device.dataDir, 'store');
  for (const name of await readdir(store)) await rm(join(store, name));

  const { child, stderr } = device.agent;
  await until('it ends', async () => {
    await device.ask((client) => client.emit({ name: 'fact' })).catch(codeOf);
    return child.exitCode !== null;
  });

  t.not(child.exitCode, 0);
  t.regex(stderr(), /HF_DATA_DIR_MISSING/);
});
