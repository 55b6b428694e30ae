import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
// Its native part is chosen by the platform, which one of these tests changes.
import 'level';
import * as fc from 'fast-check';
import {
  attempts,
  delayAfter,
  openDataDir,
  openExisting,
} from '@holdfast/agent/internal';
import { HoldfastError, codeOf } from '@holdfast/protocol';
import { Killable } from '../../support/killable.ts';
import { tempDir } from '../../support/temp-dir.ts';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  );
const code = async (promise: Promise<unknown>): Promise<unknown> => codeOf(await failure(promise));
const device = { device: 'd1' };

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'base64')]));
}

test('a new data directory is for its owner only and remembers its device', async (t) => {
  const path = join(await tempDir(t), 'a', 'b');
  const first = await openDataDir(path, device);
  await first.release();
  const second = await openDataDir(path);
  await second.release();

  const { mode } = await stat(path);
  t.is(mode & 0o777, 0o700);
  t.is(first.path, path);
  t.deepEqual([first.epoch, first.recreated], [1, false]);
  t.deepEqual([second.device, second.epoch], ['d1', 1]);
});

test('a data directory keeps its device', async (t) => {
  const path = await tempDir(t);
  await (await openDataDir(path, device)).release();
  const before = contents(path);

  t.is(await code(openDataDir(path, { device: 'd2' })), 'HF_DATA_DIR_OTHER_DEVICE');
  t.deepEqual(contents(path), before);
});

test('without a usable device id nothing is made', async (t) => {
  const path = join(await tempDir(t), 'new');

  t.is(await code(openDataDir(path)), 'HF_CONFIG_INVALID');
  t.is(await code(openDataDir(path, { device: 'a/b' })), 'HF_CONFIG_INVALID');
  t.false(existsSync(path));
});

test('a path that cannot be a data directory is refused with the cause in words', async (t) => {
  const file = join(await tempDir(t), 'file');
  await writeFile(file, '');
  const long = join(file, '..', 'x'.repeat(300));
  const causes = [file, join(file, 'sub'), long].map(async (path) => {
    const error = await failure(openDataDir(path, device));
    return error instanceof HoldfastError ? `${error.code}: ${error.why}` : error;
  });

  t.deepEqual(await Promise.all(causes), [
    `HF_DATA_DIR_UNUSABLE: ${file}: it is not a directory`,
    `HF_DATA_DIR_UNUSABLE: ${file}/sub: it, or what it is in, is not a directory`,
    `HF_DATA_DIR_UNUSABLE: ${long}: its name is too long`,
  ]);
});

test.serial('without abstract sockets a process still holds a directory once', async (t) => {
  const path = await tempDir(t);
  const { platform } = process;
  t.teardown(() => Object.defineProperty(process, 'platform', { value: platform }));
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  const holder = await openDataDir(path, device);

  t.is(await code(openDataDir(path, device)), 'HF_STORE_LOCKED');
  // A second open within a process would have taken LevelDB's own lock away.
  const rival = new Killable('store-process.js', ['write', join(path, 'store')]);
  t.teardown(() => rival.kill());
  await rival.printed(1);
  t.deepEqual(rival.lines, ['HF_STORE_LOCKED']);
  await holder.release();
  await (await openDataDir(path, device)).release();
});

test('a data directory has one holder in a process, by whatever path', async (t) => {
  const dir = await tempDir(t);
  const [path, alias] = [join(dir, 'real'), join(dir, 'alias')];
  await mkdir(path);
  await symlink(path, alias);
  const outcomes = await Promise.all([
    openDataDir(path, device).catch((error: unknown) => error),
    openDataDir(alias, device).catch((error: unknown) => error),
  ]);
  const holders = outcomes.filter((each) => !(each instanceof Error));
  t.is(holders.length, 1);
  t.is(await code(openDataDir(alias, device)), 'HF_STORE_LOCKED');
  t.is(await code(openExisting(path)), 'HF_STORE_LOCKED');
});

test('L8 the holder in another process is named, and its death frees the directory', async (t) => {
  const path = await tempDir(t);
  const holder = new Killable('store-process.js', ['hold', path]);
  t.teardown(() => holder.kill());
  await holder.printed(1);
  const locked = await failure(openDataDir(path, device));
  t.is(codeOf(locked), 'HF_STORE_LOCKED');
  t.true(locked instanceof HoldfastError && locked.details['pid'] === holder.pid);
  t.is(await code(openExisting(path)), 'HF_STORE_LOCKED');

  await holder.kill();
  const next = await openDataDir(path, device);
  await next.release();
  t.deepEqual([next.epoch, next.recreated], [1, false]);
});

test('what is only read is neither made nor counted', async (t) => {
  const dir = await tempDir(t);
  const path = join(dir, 'data');
  t.is(await code(openExisting(path)), 'HF_DATA_DIR_MISSING');
  t.is(await code(openExisting(dir)), 'HF_DATA_DIR_MISSING');
  t.deepEqual(readdirSync(dir), []);

  await (await openDataDir(path, device)).release();
  for (let time = 0; time < 2; time += 1) {
    const read = await openExisting(path);
    await read.release();
    t.deepEqual([read.device, read.epoch, read.recreated], ['d1', 1, false]);
  }
  await rm(join(path, 'store'), { recursive: true });
  t.is(await code(openExisting(path)), 'HF_DATA_DIR_MISSING');
  t.deepEqual(readdirSync(path), ['device.json', 'store.heads']);
});

test('a store that is gone is replaced under the next epoch, and that is said once', async (t) => {
  const path = await tempDir(t);
  await (await openDataDir(path, device)).release();
  await rm(join(path, 'store'), { recursive: true });
  const lives = [];
  for (let life = 0; life < 2; life += 1) {
    const { epoch, recreated, release } = await openDataDir(path);
    lives.push({ epoch, recreated });
    await release();
  }

  t.deepEqual(lives, [
    { epoch: 2, recreated: true },
    { epoch: 2, recreated: false },
  ]);
});

test('L9 a creation that was cut off at any moment is done again, as the first one', async (t) => {
  const dir = await tempDir(t);
  const devicePath = join(dir, 'device.json');
  await (await openDataDir(dir, device)).release();
  const whole = readFileSync(devicePath, 'utf8');
  const unfinished = JSON.stringify({ ...JSON.parse(whole), epoch: 0 });
  const cuts: Record<string, () => Promise<void>> = {
    async 'the identity is half written'() {
      for (const name of ['store', 'store.heads']) await rm(join(dir, name), { recursive: true });
      await rename(devicePath, `${devicePath}.new`);
      await writeFile(`${devicePath}.new`, whole.slice(0, 20));
    },
    async 'the store is half made'() {
      await rename(join(dir, 'store'), join(dir, 'store.new'));
      await writeFile(join(dir, 'store.new', 'CURRENT'), 'MANIF');
      await writeFile(devicePath, unfinished);
    },
    'the store is in place': () => writeFile(devicePath, unfinished),
  };
  for (const [name, cut] of Object.entries(cuts)) {
    await cut();
    const { epoch, recreated, release } = await openDataDir(dir, device);
    await release();
    t.deepEqual({ epoch, recreated }, { epoch: 1, recreated: false }, name);
    t.is(JSON.parse(readFileSync(devicePath, 'utf8')).epoch, 1, name);
    t.deepEqual(readdirSync(dir).toSorted(), ['device.json', 'store', 'store.heads'], name);
  }
});

test('SIGKILL while data directories are made leaves each one usable', async (t) => {
  t.timeout(120_000);
  const dir = await tempDir(t);
  let next = 0;
  for (let round = 0; round < 6; round += 1) {
    const maker = new Killable('store-process.js', ['create', dir, String(next)]);
    t.teardown(() => maker.kill());
    await maker.printed(1 + (round % 3));
    await maker.kill();
    next = Number(maker.lines.at(-1)) + 2;
  }
  for (const name of readdirSync(dir)) {
    const { epoch, recreated, release } = await openDataDir(join(dir, name), device);
    await release();
    t.deepEqual({ epoch, recreated }, { epoch: 1, recreated: false }, name);
  }
});

test('too few file descriptors end a start and leave the store in its place', async (t) => {
  const dir = join(await tempDir(t), 'data');
  await (await openDataDir(dir, device)).release();
  const starved = new Killable('store-process.js', ['starve', dir], 'ulimit -n 256');
  t.teardown(() => starved.kill());
  await starved.end();
  const said = starved.lines;

  const told = new Set(said.filter((line) => line.startsWith('HF_')));
  t.deepEqual(said.at(-1), 'held');
  t.deepEqual([...told], ['HF_DATA_DIR_UNUSABLE']);
  t.deepEqual(readdirSync(dir).filter((name) => name.includes('.bad-')), []);
});

/** Whether a directory is on a tmpfs. */
function isTmpfs(dir: string): boolean {
  return existsSync(dir) && statfsSync(dir).type === 0x0102_1994;
}

const tmpfsTest = isTmpfs('/dev/shm') ? test : test.skip;

tmpfsTest('a data directory on tmpfs is said to be on one (needs tmpfs at /dev/shm)', async (t) => {
  const dir = await mkdtemp('/dev/shm/holdfast-test-');
  t.teardown(() => rm(dir, { recursive: true }));
  const opened = await openDataDir(dir, device);
  await opened.release();
  const elsewhere = await openDataDir(await tempDir(t), device);
  await elsewhere.release();

  t.regex(opened.fileSystem ?? '', /^tmpfs/);
  t.is(elsewhere.fileSystem, undefined);
});

test('K6 a data directory of a newer format is left as it is', async (t) => {
  const path = await tempDir(t);
  await (await openDataDir(path, device)).release();
  const known = JSON.parse(readFileSync(join(path, 'device.json'), 'utf8'));
  await writeFile(join(path, 'device.json'), JSON.stringify({ ...known, format: 2, shape: 'new' }));
  const before = contents(path);

  t.is(await code(openDataDir(path, device)), 'HF_STORE_FORMAT');
  t.is(await code(openExisting(path)), 'HF_STORE_FORMAT');
  t.deepEqual(contents(path), before);
});

const backoff = { minDelayMs: 2, maxDelayMs: 9, factor: 2 };
const options = { first: 1, last: 5, ...backoff, abort: new AbortController() };
/** What a step may throw, a mistake of its code included. */
const thrown = [new TypeError('null.foo'), 'text', undefined, null, new Error('EIO')];

test('a pause grows by its factor up to its longest', (t) => {
  const policy = { minDelayMs: 1_000, maxDelayMs: 60_000, factor: 2 };
  const pauses = [1, 2, 3, 6, 7, 1_025, 1e9, Number.MAX_SAFE_INTEGER];

  t.deepEqual(
    pauses.map((attempt) => delayAfter(policy, attempt)),
    [1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000, 60_000],
  );
  t.is(delayAfter({ ...policy, minDelayMs: 0 }, 1e9), 0);
  t.is(delayAfter({ ...policy, factor: 1 }, 1e9), 1_000);
});

test('attempts go on, whatever is thrown, until one succeeds', async (t) => {
  const made: number[] = [];
  const told: unknown[] = [];
  await attempts(
    async (attempt) => {
      made.push(attempt);
      if (attempt < 5) await Promise.reject(thrown[attempt - 1]);
    },
    {
      ...options,
      async onFailed(...report) {
        told.push(report);
        return 'retry';
      },
    },
  );

  t.deepEqual(made, [1, 2, 3, 4, 5]);
  t.deepEqual(told, [
    [1, thrown[0], 2],
    [2, thrown[1], 4],
    [3, thrown[2], 8],
    [4, thrown[3], 9],
  ]);
});

test('attempts end with the last one, or when told to stop', async (t) => {
  const run = async (first: number, last: number, stopAt: number): Promise<unknown[]> => {
    const told: unknown[] = [];
    await attempts(() => Promise.reject(thrown[0]), {
      ...options,
      first,
      last,
      async onFailed(attempt, _error, nextDelayMs) {
        told.push([attempt, nextDelayMs]);
        return attempt === stopAt ? 'stop' : 'retry';
      },
    });
    return told;
  };

  t.deepEqual(await run(3, 4, 9), [[3, 8], [4, undefined]]);
  t.deepEqual(await run(5, 5, 9), [[5, undefined]]);
  t.deepEqual(await run(1, Infinity, 3), [[1, 2], [2, 4], [3, 8]]);
  t.deepEqual(await run(5_000, Infinity, 5_001), [[5_000, 9], [5_001, 9]]);
});

test('an abort ends a pause at once and lets no attempt begin', async (t) => {
  const abort = new AbortController();
  let made = 0;
  const ended = attempts(
    async () => {
      made += 1;
      throw new Error('no');
    },
    {
      ...options,
      minDelayMs: 3_600_000,
      maxDelayMs: 3_600_000,
      abort,
      async onFailed() {
        setImmediate(() => abort.abort(new TypeError('closed')));
        return 'retry';
      },
    },
  );
  await ended;
  await attempts(() => Promise.reject(new Error('begun')), {
    ...options,
    abort,
    onFailed: () => Promise.reject(new Error('told')),
  });

  t.is(made, 1);
});

test('an attempt that succeeds after an abort has not failed', async (t) => {
  const abort = new AbortController();
  let isDone = false;
  await attempts(
    async () => {
      abort.abort(new Error('closed'));
      isDone = true;
    },
    { ...options, abort, onFailed: () => Promise.reject(new Error('told')) },
  );

  t.true(isDone);
});

test('attempts reject with what could not be told', async (t) => {
  for (const error of [new TypeError('bug'), new HoldfastError('HF_JOURNAL_FAILED')]) {
    const onFailed = (): Promise<'retry'> => Promise.reject(error);
    const ended = attempts(() => Promise.reject(new Error('no')), { ...options, onFailed });
    t.is(await failure(ended), error);
  }
});

test.serial('the pause that is told is the pause that is made', async (t) => {
  const real = globalThis.setTimeout;
  const paused: number[] = [];
  const instead = (wake: () => void, ms: number): NodeJS.Timeout => {
    paused.push(ms);
    return real(wake, 0);
  };
  Reflect.set(globalThis, 'setTimeout', instead);
  t.teardown(() => {
    globalThis.setTimeout = real;
  });
  const policy = fc.record({
    first: fc.integer({ min: 1, max: 2_000 }),
    minDelayMs: fc.integer({ min: 1, max: 100_000 }),
    maxDelayMs: fc.integer({ min: 100_000, max: 2 ** 31 - 1 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(policy, async (drawn) => {
      paused.length = 0;
      const told: (number | undefined)[] = [];
      await attempts(() => Promise.reject(new Error('no')), {
        ...drawn,
        last: Infinity,
        abort: options.abort,
        async onFailed(_attempt, _error, nextDelayMs) {
          told.push(nextDelayMs);
          return told.length < 5 ? 'retry' : 'stop';
        },
      });
      // The two are computed in another order: a millisecond of rounding.
      const differences = paused.map((ms, index) => Math.abs(ms - (told[index] ?? -1)));
      return paused.length === 4 && Math.max(...differences) <= 1;
    }),
    { numRuns: 50 },
  );
  t.pass();
});
