import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  StoreCipher,
  createStore,
  encryptedStore,
  loadLevel,
  openStore,
} from '@holdfast/agent/internal';
import { SimDisk, VirtualTime } from '@holdfast/device-sim/internal';
import { codeOf, type Store, type StoreOp } from '@holdfast/protocol';
import { Killable } from '../support/killable.ts';
import { numberOf, rowOf } from '../support/numbered-row.ts';
import { SimChance } from '../support/sim-chance.ts';
import { SimStore } from '../support/sim-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const key = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const put = (at: Uint8Array, value: Uint8Array): StoreOp => ({ kind: 'put', key: at, value });
const all = { from: key(), to: key(255, 255), limit: 1_000_000 };
const rows = (first: number, count: number): StoreOp[] =>
  Array.from({ length: count }, (_, index) => ({ kind: 'put', ...rowOf(first + index) }));

const deleted = ({ key: at }: StoreOp): StoreOp => ({ kind: 'delete', key: at });

interface Lives {
  readonly store: Store;
  /** Ends the life of the store and begins the next one. */
  readonly next: () => Promise<Store>;
}

const implementations: Readonly<Record<string, (t: ExecutionContext) => Promise<Lives>>> = {
  async 'the store of LevelDB'(t) {
    const dir = join(await tempDir(t), 'store');
    let store = await createStore(dir, []);
    t.teardown(() => store.close());
    const next = async (): Promise<Store> => {
      await store.close();
      store = await openStore(dir);
      return store;
    };
    return { store, next };
  },
  async 'the encrypted store'(t) {
    const [dir, cipher] = [join(await tempDir(t), 'store'), new StoreCipher(new Uint8Array(32))];
    let store = encryptedStore(await createStore(dir, []), cipher);
    t.teardown(() => store.close());
    const next = async (): Promise<Store> => {
      await store.close();
      store = encryptedStore(await openStore(dir), cipher);
      return store;
    };
    return { store, next };
  },
  async 'the disk of a virtual world'() {
    const time = new VirtualTime();
    // Its time goes on by itself.
    const wakeIn: VirtualTime['wakeIn'] = (_delayMs, wake) => {
      setImmediate(wake);
      return () => {};
    };
    const clock = { nowMs: () => time.nowMs(), monoMs: () => time.monoMs(), wakeIn };
    const disk = new SimDisk({ time: clock, chance: new SimChance(1) });
    return { store: disk.open(), next: async () => disk.open() };
  },
  async 'the simulated store'() {
    const store = new SimStore();
    return { store, next: async () => store.crash() };
  },
};

for (const [name, open] of Object.entries(implementations)) {
  test(`${name} gives back what was written, and nothing for what was not`, async (t) => {
    const { store } = await open(t);
    await store.write([put(key(1), key(7)), put(key(2), key())]);

    t.deepEqual(await store.get(key(1)), key(7));
    t.deepEqual(await store.get(key(2)), key());
    t.is(await store.get(key(3)), undefined);
    t.deepEqual(await store.getMany([key(2), key(3), key(1)]), [key(), undefined, key(7)]);
    t.deepEqual(await store.getMany([]), []);
  });

  test(`${name} applies the ops of a write in their order`, async (t) => {
    const { store } = await open(t);
    await store.write([put(key(1), key(1)), put(key(2), key(1))]);
    await store.write([
      put(key(1), key(2)),
      { kind: 'delete', key: key(1) },
      { kind: 'delete', key: key(2) },
      put(key(2), key(3)),
      { kind: 'delete', key: key(9) },
    ]);

    t.deepEqual(await store.scan(all), [{ key: key(2), value: key(3) }]);
  });

  test(`${name} applies writes in call order, waited for or not`, async (t) => {
    const { store } = await open(t);
    const values = Array.from({ length: 50 }, (_, index) => index);
    const settled: number[] = [];
    await Promise.all(
      values.map(async (n) => {
        await store.write([put(key(1), key(n)), put(key(2, n), key(n))]);
        settled.push(n);
      }),
    );

    t.deepEqual(settled, values);
    t.deepEqual(await store.get(key(1)), key(49));
    t.is((await store.scan(all)).length, 51);
  });

  test(`${name} compares keys as bytes`, async (t) => {
    const { store } = await open(t);
    const keys = [key(), key(0), key(0, 0), key(1), key(1, 0), key(1, 255), key(2), key(128)];
    await store.write(keys.toReversed().map((each) => put(each, key())));

    t.deepEqual(
      (await store.scan(all)).map((row) => row.key),
      keys,
    );
  });

  test(`${name} scans from the first key to before the last, either way`, async (t) => {
    const { store } = await open(t);
    await store.write([1, 2, 3, 4, 5].map((n) => put(key(n), key(n * 2))));
    const found = async (from: number, to: number, limit: number, reverse = false) =>
      (await store.scan({ from: key(from), to: key(to), limit, reverse })).map((row) => row.key[0]);

    t.deepEqual(await found(2, 4, 10), [2, 3]);
    t.deepEqual(await found(2, 5, 2), [2, 3]);
    t.deepEqual(await found(2, 5, 2, true), [4, 3]);
    t.deepEqual(await found(2, 4, 10, true), [3, 2]);
    t.deepEqual(await found(6, 9, 10), []);
    t.deepEqual(await found(4, 4, 10), []);
    t.deepEqual(await found(4, 2, 10), []);
  });

  test(`${name} returns all rows of a range, however many bytes they have`, async (t) => {
    const { store } = await open(t);
    const value = new Uint8Array(1_000).fill(1);
    const many = rows(0, 3_000).map((op) => put(op.key, value));
    await store.write(many);

    t.is((await store.scan(all)).length, 3_000);
    t.is((await store.scan({ ...all, limit: 2_500 })).length, 2_500);
    t.is((await store.scan({ ...all, limit: 2_500, reverse: true })).length, 2_500);
  });

  test(`${name} ends a scan for its bytes, with a row at least and none left out`, async (t) => {
    const { store } = await open(t);
    const value = new Uint8Array(1_000).fill(1);
    const seqs = Array.from({ length: 100 }, (_, index) => index);
    await store.write(seqs.map((seq) => put(key(1, seq), value)));
    const range = { to: key(2), limit: 1_000, bytesMax: 10_000 };
    const found: (number | undefined)[] = [];

    for (let from = key(1); ;) {
      const page = await store.scan({ ...range, from });
      const last = page.at(-1);
      if (last === undefined) break;
      t.true(page.length <= 11, `${page.length} rows`);
      found.push(...page.map((row) => row.key[1]));
      from = key(...last.key, 0);
    }

    t.deepEqual(found, seqs);
    t.is((await store.scan({ ...range, from: key(1), bytesMax: 1 })).length, 1);
    t.is((await store.scan({ ...all, bytesMax: 1e9 })).length, 100);
  });

  test(`${name} tells each row of a range, as they were at the call`, async (t) => {
    const { store } = await open(t);
    await store.write(rows(0, 3_000));
    const found: number[] = [];
    const telling = store.each({ from: rowOf(100).key, to: rowOf(2_500).key }, (row) => {
      found.push(numberOf(row));
      if (found.length === 1) void store.write(rows(3_000, 1).concat(rows(0, 3_000).map(deleted)));
    });
    await telling;

    t.deepEqual(
      found,
      Array.from({ length: 2_400 }, (_, index) => 100 + index),
    );
    await t.throwsAsync(
      store.each(all, () => {
        throw new TypeError('not this one');
      }),
      { instanceOf: TypeError },
    );
  });

  test(`${name} takes bytes at the call and gives bytes to keep`, async (t) => {
    const { store } = await open(t);
    const [mineKey, mine] = [key(1), key(5, 6)];
    const writes = [store.write([put(key(0), key(0))]), store.write([put(mineKey, mine)])];
    mineKey.fill(9);
    mine.fill(9);
    await Promise.all(writes);
    const given = (await store.get(key(1))) ?? key();
    const [row] = await store.scan({ ...all, from: key(1) });
    t.is(given.constructor, Uint8Array);
    t.is(given.buffer.byteLength, 2, 'a small value does not hold a large buffer');
    t.is(row?.value.buffer.byteLength, 2);
    given.fill(8);
    row?.value.fill(8);

    t.deepEqual(await store.get(key(1)), key(5, 6));
  });

  test(`${name} keeps what was acknowledged into its next life`, async (t) => {
    const { store, next } = await open(t);
    await store.write(rows(0, 10));
    await store.write([{ kind: 'delete', key: rowOf(3).key }]);
    const later = await next();

    t.deepEqual((await later.scan(all)).map(numberOf), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
  });

  test(`${name} finishes its writes before it is closed, and takes none after`, async (t) => {
    const { store } = await open(t);
    const writes = Array.from({ length: 20 }, (_, n) => store.write([put(key(n), key(n))]));
    await Promise.all([store.close(), store.close()]);

    await t.notThrowsAsync(Promise.all(writes));
    const late = [store.write([put(key(1), key(1))]), store.get(key(1)), store.scan(all)];
    const codes = await Promise.all(late.map((each) => each.then(() => 'done', codeOf)));
    t.deepEqual(codes, ['HF_AGENT_CLOSED', 'HF_AGENT_CLOSED', 'HF_AGENT_CLOSED']);
  });
}

test('the simulated store loses with a crash what was not acknowledged', async (t) => {
  const store = new SimStore();
  await store.write(rows(0, 1));
  store.holdWrites();
  let isSettled = false;
  void store.write(rows(1, 1)).finally(() => (isSettled = true));
  const next = store.crash();
  store.releaseWrites();

  t.deepEqual((await next.scan(all)).map(numberOf), [0]);
  t.false(isSettled);
  t.is(store.writes, 1);
});

test('the simulated store refuses all after a failed write, which may be there', async (t) => {
  for (const outcome of ['lost', 'kept'] as const) {
    const store = new SimStore();
    store.failNextWrite(new Error('EIO'), outcome);
    const writes = [store.write(rows(0, 1)), store.write(rows(1, 1))];

    const codes = await Promise.all(writes.map((each) => each.then(() => 'done', codeOf)));
    t.deepEqual(codes, ['HF_JOURNAL_FAILED', 'HF_JOURNAL_FAILED']);
    const found = (await store.crash().scan(all)).map(numberOf);
    t.deepEqual(found, outcome === 'kept' ? [0] : []);
  }
});

test('every write to LevelDB asks for a sync', async (t) => {
  const dir = await tempDir(t);
  // The agent has a copy of its own.
  const AgentLevel = await loadLevel();
  const level = new AgentLevel(join(dir, 'other'));
  t.teardown(() => level.close());
  await level.open();
  const batches: object = Object.getPrototypeOf(level.batch());
  const real: unknown = Reflect.get(batches, '_write');
  const asked: unknown[] = [];
  Reflect.set(batches, '_write', function (this: object, options: { readonly sync?: boolean }) {
    asked.push(options.sync);
    return typeof real === 'function' ? Reflect.apply(real, this, [options]) : undefined;
  });
  t.teardown(() => Reflect.set(batches, '_write', real));
  const store = await createStore(join(dir, 'store'), rows(0, 3));
  await store.write(rows(3, 1));
  await store.close();

  t.true(asked.length >= 2);
  t.deepEqual(new Set(asked), new Set([true]));
});

test('L1 a write of LevelDB that has resolved survives SIGKILL at any moment', async (t) => {
  t.timeout(120_000);
  const dir = join(await tempDir(t), 'store');
  await (await createStore(dir, [])).close();
  let seen = 0;
  for (let round = 0; round < 10; round += 1) {
    const writer = new Killable('store-process.js', ['write', dir, String(seen)]);
    t.teardown(() => writer.kill());
    // A different moment in each round, and in the middle of a write most of the time.
    await writer.printed(5 + round * 23);
    await writer.kill();
    const acknowledged = Number(writer.lines.at(-1));
    const store = await openStore(dir);
    const found = (await store.scan(all)).map(numberOf);
    await store.close();

    t.true(found.length > acknowledged, `round ${round}: ${found.length} of ${acknowledged + 1}`);
    t.deepEqual(
      found,
      Array.from({ length: found.length }, (_, n) => n),
    );
    seen = found.length;
  }
});

test('L4 L5 LevelDB that could not write once refuses to, and has lost none before', async (t) => {
  const dir = join(await tempDir(t), 'store');
  await (await createStore(dir, [])).close();
  // No file larger than 64 KiB: the log of LevelDB cannot take all of it.
  const writer = new Killable('store-process.js', ['write', dir], 'ulimit -f 128');
  t.teardown(() => writer.kill());
  await writer.end();
  const failed = writer.lines.filter((line) => line.startsWith('HF_'));
  const acknowledged = writer.lines.length - failed.length;
  const store = await openStore(dir);
  t.teardown(() => store.close());
  const found = (await store.scan(all)).map(numberOf);

  t.true(acknowledged > 100);
  t.deepEqual(failed, Array(10).fill('HF_JOURNAL_FAILED'));
  t.deepEqual(writer.lines.slice(0, acknowledged), found.slice(0, acknowledged).map(String));
  // The outcome of the write that failed is unknown; those after it were never tried.
  t.true(found.length <= acknowledged + 1);
});

test('LevelDB says whether a store is locked, missing or damaged, with the cause', async (t) => {
  const dir = join(await tempDir(t), 'store');
  const failure = (path: string): Promise<unknown> =>
    openStore(path).catch((error: unknown) => error);
  const store = await createStore(dir, rows(0, 10));
  const rival = new Killable('store-process.js', ['write', dir]);
  t.teardown(() => rival.kill());
  await rival.printed(1);
  t.deepEqual(rival.lines, ['HF_STORE_LOCKED']);
  await store.close();
  await writeFile(join(dir, 'CURRENT'), '');
  const [damaged, missing] = [await failure(dir), await failure(`${dir}-none`)];

  t.is(codeOf(damaged), 'HF_STORE_DAMAGED');
  t.is(codeOf(missing), 'HF_STORE_DAMAGED');
  t.regex(String(damaged instanceof Error && damaged.cause), /CURRENT/);
  t.false(existsSync(join(`${dir}-none`, 'CURRENT')));
});

test('nothing of what was deleted is left in the files once they are compact', async (t) => {
  const dir = join(await tempDir(t), 'store');
  const store = await createStore(dir, []);
  t.teardown(() => store.close());
  const text = (word: string): Uint8Array => new TextEncoder().encode(word);
  const files = () =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'latin1'))
      .join('\n');
  await store.write([put(key(80, 1), text('in-memory')), put(key(80, 2), text('stays-here'))]);
  await store.compact({ from: key(80), to: key(81) });
  await store.write([put(key(80, 3), text('in-a-table')), put(key(80, 1), text('written-over'))]);
  await store.write([put(key(80, 1), key()), { kind: 'delete', key: key(80, 3) }]);
  t.true(files().includes('in-memory'));

  await store.compact({ from: key(80), to: key(81) });

  for (const gone of ['in-memory', 'in-a-table', 'written-over']) t.false(files().includes(gone));
  t.true(files().includes('stays-here'));
  t.deepEqual(await store.get(key(80, 2)), text('stays-here'));

  // All of it in one log, with nothing in tables that it would be merged with.
  await store.write([put(key(90, 1), text('one-log')), put(key(90, 2), text('one-log-too'))]);
  await store.write([put(key(90, 1), key()), { kind: 'delete', key: key(90, 2) }]);
  await store.compact({ from: key(90), to: key(91) });

  t.false(files().includes('one-log'));
});
