import { openDataDir, openStore } from '@holdfast/agent/internal';
import { codeOf, messageOf } from '@holdfast/protocol';
import { rowOf } from './numbered-row.ts';

/**
 * A process for tests to kill. Prints the code of what it failed with.
 *
 *   write DIR FROM   puts numbered rows into the store, prints each once its write has resolved;
 *                    goes on after a failure for ten rows
 *   hold DIR         takes the data directory of device d1, prints `held`, and stays
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

const tasks: Readonly<Record<string, () => Promise<void>>> = { write, hold, create };
await tasks[task ?? '']?.().catch((error: unknown) => print(codeOf(error) ?? messageOf(error)));
