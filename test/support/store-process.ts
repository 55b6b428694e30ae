import { closeSync, openSync } from 'node:fs';
import { openDataDir, openStore } from '@holdfast/agent/internal';
import { codeOf, messageOf } from '@holdfast/protocol';
import { rowOf } from './numbered-row.ts';

/**
 * A process for tests to kill. Prints the code of what it failed with.
 *
 *   write DIR FROM   puts numbered rows into the store, prints each once its write has resolved;
 *                    goes on after a failure for ten rows
 *   hold DIR         takes the data directory of device d1, prints `held`, and stays
 *   starve DIR       takes the data directory with one free file descriptor, with two, and so on;
 *                    prints how each ended, until one takes it
 *   create DIR FROM  makes one data directory after another (DIR/0, DIR/1, …), printing each
 */
const [task, dir = '', from = '0'] = process.argv.slice(2);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function write(): Promise<void> {
  const store = await openStore(dir);
  let failures = 0;
  for (let n = Number(from); failures < 10; n += 1) {
    try {
      await store.write([{ kind: 'put', ...rowOf(n) }]);
      print(String(n));
    } catch (error) {
      failures += 1;
      print(codeOf(error) ?? messageOf(error));
    }
  }
}

async function hold(): Promise<void> {
  await openDataDir(dir, { device: 'd1' });
  print('held');
  setInterval(() => {}, 60_000);
}

async function create(): Promise<void> {
  for (let n = Number(from); ; n += 1) {
    const dataDir = await openDataDir(`${dir}/${n}`, { device: 'd1' });
    print(String(n));
    await dataDir.release();
  }
}

async function starve(): Promise<void> {
  // Loads what is loaded when it is needed.
  await (await openDataDir(dir, { device: 'd1' })).release();
  for (let free = 1, said = ''; said !== 'held' && free < 40; free += 1) {
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      for (const each of taken.splice(0, free)) closeSync(each);
    }
    said = await openDataDir(dir, { device: 'd1' }).then(
      async ({ release }) => release().then(() => 'held'),
      (error: unknown) => codeOf(error) ?? messageOf(error),
    );
    for (const each of taken) closeSync(each);
    print(said);
  }
}

const tasks: Readonly<Record<string, () => Promise<void>>> = { write, hold, starve, create };
await tasks[task ?? '']?.().catch((error: unknown) => print(codeOf(error) ?? messageOf(error)));
