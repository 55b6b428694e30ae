import { readdirSync, readFileSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { Agent } from '@holdfast/agent';
import {
  StoreCipher,
  changeUserKey,
  loadUserKey,
  openDataDir,
  openExisting,
  openStore,
  runIdKey,
  scheduleKey,
  encryptedStore,
} from '@holdfast/agent/internal';
import { codeOf, type Store, type StoreRange, type StoreRow } from '@holdfast/protocol';
import { errand, executed, liveOn } from '../../support/lived-store.ts';
import { SimStore } from '../../support/sim-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

const keyOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [storeKey, otherKey] = [keyOf(7), keyOf(8)];
const all = { from: Uint8Array.of(), to: Uint8Array.of(255, 255), limit: 100_000 };

const code = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'done', codeOf);

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'base64')]));
}

/** An encrypted data directory in which an agent has lived. */
async function lived(t: ExecutionContext): Promise<string> {
  const dir = await tempDir(t);
  await liveOn(dir, 2, 0, storeKey);
  return dir;
}

/** Any key of the store; names in particular, whose keys are stored in no order. */
const anyKey = fc.oneof(
  fc.string({ maxLength: 6, unit: 'binary' }).map((name) => runIdKey(name)),
  fc.string({ maxLength: 6, unit: 'binary' }).map((name) => scheduleKey(name)),
  fc.uint8Array({ maxLength: 4 }),
);

test('an encrypted store answers as one that is not', async (t) => {
  const rows = fc.array(fc.record({ key: anyKey, value: fc.uint8Array({ maxLength: 40 }) }));
  const range = fc.record({
    ...{ from: anyKey, to: anyKey },
    ...{ limit: fc.integer({ min: 1, max: 8 }), reverse: fc.boolean() },
  });
  await fc.assert(
    fc.asyncProperty(rows, fc.array(range), fc.array(anyKey), async (written, ranges, keys) => {
      const [plain, inner] = [new SimStore(), new SimStore()];
      const encrypted = encryptedStore(inner, new StoreCipher(storeKey));
      for (const store of [plain, encrypted]) {
        await store.write(written.map((row) => ({ kind: 'put', ...row })));
        await store.write(keys.map((key) => ({ kind: 'delete', key })));
      }
      for (const each of [all, ...ranges]) {
        t.deepEqual(await encrypted.scan(each), await plain.scan(each));
        t.deepEqual(await visited(encrypted, each), await visited(plain, each));
      }
      const asked = [...keys, ...written.map((row) => row.key)];
      t.deepEqual(await encrypted.getMany(asked), await plain.getMany(asked));
      for (const key of asked) {
        const one = { from: key, to: Uint8Array.of(...key, 0), limit: 2 };
        t.deepEqual(await encrypted.scan(one), await plain.scan(one));
      }
    }),
  );
});

async function visited(store: Store, { from, to }: StoreRange): Promise<StoreRow[]> {
  const rows: StoreRow[] = [];
  await store.each({ from, to }, (row) => void rows.push(row));
  return rows;
}

test('more names than a page has are scanned in their order', async (t) => {
  const store = encryptedStore(new SimStore(), new StoreCipher(storeKey));
  const names = Array.from({ length: 2_500 }, (_, n) => `run-${n}`);
  await store.write(
    names.map((name) => ({ kind: 'put', key: runIdKey(name), value: Buffer.from(name) })),
  );
  const from = runIdKey('run-1');
  const found = await store.scan({ from, to: Uint8Array.of(...from, 255), limit: 5 });

  t.deepEqual(found.map(textOf), ['run-1', 'run-10', 'run-100', 'run-1000', 'run-1001']);
});

function textOf({ value }: StoreRow): string {
  return Buffer.from(value).toString();
}

test('a row that was changed, moved, or encrypted with another key is damage', async (t) => {
  const inner = new SimStore();
  const store = encryptedStore(inner, new StoreCipher(storeKey));
  const [one, two] = [Uint8Array.of(1, 1), Uint8Array.of(1, 2)];
  await store.write([one, two].map((key) => ({ kind: 'put', key, value: key })));
  const encrypted = (await inner.get(one)) ?? Uint8Array.of();
  const flipped = encrypted.slice();
  flipped[20] = (flipped[20] ?? 0) ^ 1;

  t.deepEqual(await store.get(one), one);
  for (const value of [flipped, Uint8Array.of(), one, encrypted.subarray(0, 28)]) {
    await inner.write([{ kind: 'put', key: one, value }]);
    t.is(await code(store.get(one)), 'HF_STORE_DAMAGED');
    t.is(await code(store.scan(all)), 'HF_STORE_DAMAGED');
  }
  await inner.write([{ kind: 'put', key: two, value: encrypted }]);
  t.is(await code(store.get(two)), 'HF_STORE_DAMAGED');
  await inner.write([{ kind: 'put', key: one, value: encrypted }]);
  t.is(await code(encryptedStore(inner, new StoreCipher(otherKey)).get(one)), 'HF_STORE_DAMAGED');
});

test('no two rows have a nonce in common, beyond the end of its count too', (t) => {
  const [cipher, key, value] = [new StoreCipher(storeKey), Uint8Array.of(1), Uint8Array.of(2)];
  const nonces = new Set<string>();
  const count = 50_000;
  for (let n = 0; n < count; n += 1) {
    nonces.add(nonceOf(cipher.value(key, value)));
  }
  for (let n = 0; n < 100; n += 1) {
    nonces.add(nonceOf(new StoreCipher(storeKey).value(key, value)));
  }

  t.is(nonces.size, count + 100);
});

function nonceOf(encrypted: Uint8Array): string {
  return Buffer.from(encrypted.subarray(1, 13)).toString('hex');
}

test('a key is 32 bytes, or their hexadecimal or base64 in a file for few', async (t) => {
  const path = join(await tempDir(t), 'key');
  const forms = [
    Buffer.from(storeKey),
    `${Buffer.from(storeKey).toString('hex')}\n`,
    `${Buffer.from(storeKey).toString('base64')}\r\n`,
  ];
  for (const form of forms) {
    await writeFile(path, form, { mode: 0o600 });
    t.deepEqual(Uint8Array.from(loadUserKey(path)), storeKey);
  }

  const bad: readonly (() => unknown)[] = [
    () => loadUserKey(keyOf(1).subarray(1)),
    () => loadUserKey(`${path}.none`),
    () => loadUserKey(join(path, '..')),
  ];
  for (const each of bad) t.is(codeOf(t.throws(each)), 'HF_STORE_KEY');
  for (const text of ['', 'a'.repeat(31), 'g'.repeat(64), 'a'.repeat(5_000)]) {
    await writeFile(path, text);
    t.is(codeOf(t.throws(() => loadUserKey(path))), 'HF_STORE_KEY');
  }
  await writeFile(path, storeKey);
  await chmod(path, 0o644);
  t.is(codeOf(t.throws(() => loadUserKey(path))), 'HF_STORE_KEY');
});

test('a wrong key, or none, or a lost store.key, changes not a byte', async (t) => {
  const dir = await lived(t);
  const device = 'd1';
  const cases: readonly (readonly [why: string, make: () => Promise<void>, key?: Uint8Array])[] = [
    ['another key', async () => {}, otherKey],
    ['no key', async () => {}],
    ['no store.key, and the key', () => loseKey(dir), storeKey],
    ['no store.key, and no key', async () => {}],
    ['the store.key of another directory', () => foreignKey(t, dir), storeKey],
    ['a store.key that is no JSON', () => garbleKey(dir), storeKey],
  ];
  for (const [why, make, key] of cases) {
    await make();
    const before = contents(dir);
    t.is(await code(openDataDir(dir, { device, storeKey: key })), 'HF_STORE_KEY', why);
    t.is(await code(openExisting(dir, { storeKey: key })), 'HF_STORE_KEY', why);
    t.deepEqual(contents(dir), before, why);
  }
});

async function loseKey(dir: string): Promise<void> {
  for (const name of ['store.key', 'store.key.copy']) {
    await rename(join(dir, name), join(dir, `${name}.lost`));
  }
}

async function foreignKey(t: ExecutionContext, dir: string): Promise<void> {
  const other = await tempDir(t);
  await (await openDataDir(other, { device: 'd1', storeKey })).release();
  await rename(join(other, 'store.key'), join(dir, 'store.key'));
}

async function garbleKey(dir: string): Promise<void> {
  await writeFile(join(dir, 'store.key'), 'x');
}

test('a store that was made without a key is not taken with one', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const before = contents(dir);

  t.is(await code(openDataDir(dir, { device: 'd1', storeKey })), 'HF_STORE_KEY');
  t.deepEqual(contents(dir), before);
});

test('either copy of store.key is enough', async (t) => {
  const dir = await lived(t);
  const text = readFileSync(join(dir, 'store.key'));
  await writeFile(join(dir, 'store.key'), text.subarray(0, 20));
  t.is(await code(openExisting(dir, { storeKey }).then((it) => it.release())), 'done');
  await writeFile(join(dir, 'store.key'), text);
  await rm(join(dir, 'store.key.copy'));

  t.is(await code(openExisting(dir, { storeKey }).then((it) => it.release())), 'done');
});

test('after a change of the key only the new one opens, and no entry was rewritten', async (t) => {
  const dir = await lived(t);
  const before = contents(join(dir, 'store'));
  t.is(codeOf(t.throws(() => changeUserKey(dir, otherKey, keyOf(9)))), 'HF_STORE_KEY');
  changeUserKey(dir, storeKey, otherKey);

  t.deepEqual(contents(join(dir, 'store')), before);
  t.is(await code(openExisting(dir, { storeKey })), 'HF_STORE_KEY');
  const agent = await Agent.open({
    ...{ dataDir: dir, device: 'd1', workflows: [errand], storeKey: otherKey },
  });
  const run = await agent.run('errand-0-1');
  t.deepEqual((await agent.status()).epoch, 1);
  t.is(((await run.result()) as readonly unknown[]).length, 3);
  await agent.close();
});

test('an encrypted store that is damaged is salvaged into an encrypted one', async (t) => {
  const dir = await lived(t);
  const store = join(dir, 'store');
  const [manifest = ''] = readdirSync(store).filter((name) => name.startsWith('MANIFEST'));
  await writeFile(join(store, manifest), '');
  executed.length = 0;
  const options = { dataDir: dir, device: 'd1', workflows: [errand], storeKey };
  const agent = await Agent.open(options);
  const { epoch } = await agent.status();
  const { runs } = await agent.surface.runs({ all: true, limit: 100 });
  await agent.close();

  t.is(epoch, 2);
  t.true(readdirSync(dir).some((name) => name.startsWith('store.bad-')));
  t.is(runs.length, 12);
  t.deepEqual(await namesIn(dir), runs.map(({ id }) => id).toSorted());
  t.false(await isReadable(join(dir, 'store')));
});

/** Ids of runs that the names of an encrypted store lead to. */
async function namesIn(dir: string): Promise<string[]> {
  const { store, release } = await openExisting(dir, { storeKey });
  const from = runIdKey('');
  const rows = await store.scan({ from, to: Uint8Array.of(from[0] ?? 0, 255), limit: 1_000 });
  await release();
  return rows.map(({ key }) => Buffer.from(key.subarray(1)).toString());
}

/** Whether any row besides the mark holds text of ours as it is. */
async function isReadable(storeDir: string): Promise<boolean> {
  const store: Store = await openStore(storeDir);
  const rows = await store.scan(all);
  await store.close();
  const texts = rows.map(({ key, value }) => Buffer.from([...key, ...value]).toString('latin1'));
  return texts.some((text) => /errand|first of/.test(text));
}

test('the text that is looked for would be found in a store that is not encrypted', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);

  t.true(await isReadable(join(dir, 'store')));
});
