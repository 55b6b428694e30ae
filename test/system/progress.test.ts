import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createProgram, type Shell } from '@holdfast/agent/internal';
import { Gateway } from '@holdfast/gateway';
import { gatewayBinary } from '../support/gateway-process.ts';
import { checkoutEntries, ingestAll } from '../support/journaled.ts';
import { liveOn } from '../support/lived-store.ts';
import { serve } from '../support/scripted-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const nothing = (): void => undefined;

/** Runs a command of `holdfast`, and gives what it told on its way. */
async function told(...args: readonly string[]): Promise<readonly string[]> {
  const texts: string[] = [];
  await telling(texts, args);
  return texts;
}

/** For its progress, each look at the clock is a second later. */
async function telling(texts: string[], args: readonly string[]): Promise<void> {
  let ms = 0;
  const shell: Shell = {
    ...{ env: {}, isTerminal: false, color: false, width: undefined, nowMs: () => Date.now() },
    progress: {
      isTerminal: true,
      nowMs: () => (ms += 1_000),
      write: (text) => void texts.push(text),
    },
    ...{ print: nothing, write: nothing, say: nothing, fail: nothing, outliveReaders: nothing },
  };
  const program = await createProgram(shell, args);
  await program.parseAsync([...args], { from: 'user' });
  process.exitCode = 0;
}

/** A bar, how much of how much, and the rate. */
function bar(what: string, unit = ''): RegExp {
  const amount = unit === 'bytes' ? String.raw`[\d.]+ [KM]?i?B` : String.raw`[\d,]+`;
  return new RegExp(`^\r\u001b\\[K${what}  [█▒]{24} \\d+%  ${amount} of ${amount}  ${amount}/s`);
}

function isBar(t: ExecutionContext, texts: readonly string[], pattern: RegExp): void {
  t.regex(texts[0] ?? 'nothing was told', pattern);
  t.is(texts.at(-1), '\r\u001b[K', 'and it is taken away at the end');
}

test('what takes long on a device shows a bar, how much, and the rate', async (t) => {
  const dir = await tempDir(t);
  const [data, other] = [join(dir, 'data'), join(dir, 'other')];
  await liveOn(data, 1);
  const [snapshot, key] = [join(dir, 'snapshot'), join(dir, 'key')];
  await writeFile(key, randomBytes(32), { mode: 0o600 });
  const at = ['--data-dir', data];

  isBar(t, await told('journal', 'verify', ...at), bar('verified'));
  isBar(t, await told('store', 'check', ...at), bar('read'));
  isBar(t, await told('store', 'export', ...at), bar('exported'));
  const written = await told('store', 'snapshot', snapshot, ...at);
  t.regex(written[0] ?? '', /written {2}[\d.]+ KiB {2}[\d.]+ KiB\/s$/);
  isBar(t, await told('store', 'restore', snapshot, '--data-dir', other), bar('restored', 'bytes'));
  const rekey = ['store', 'rekey', '--deep', ...at, '--new-key-file', key];
  isBar(t, await told(...rekey), bar('encrypted'));
  const salvaged = await told('store', 'salvage', data, '--store-key-file', key);
  t.regex(salvaged[0] ?? '', /read {2}[\d,]+ {2}[\d,]+\/s$/);
});

test('waiting until all is synced shows how much of it is', async (t) => {
  const { dir } = await serve(t);
  const args = ['wait', '--synced', '--timeout', '1500ms', '--data-dir', dir];
  const texts: string[] = [];

  await t.throwsAsync(telling(texts, args), { code: 'HF_WAIT_TIMEOUT' });

  isBar(t, texts, bar('acknowledged'));
});

test('starting runs by the lines of a file shows how many of them are done', async (t) => {
  const { dir } = await serve(t);
  const file = join(dir, 'orders.ndjson');
  await writeFile(file, Array.from({ length: 9 }, (_, id) => `{"id":"order-${id}"}\n`).join(''));
  const lines = ['--input-lines', file, '--id-field', 'id', '--data-dir', dir];

  const texts = await told('start', 'checkout', ...lines);

  t.regex(texts[1] ?? '', /Klines {2}[█▒]{24} 11% {2}1 of 9 {2}1\/s {2}about \d+ s left$/);
  t.is(texts.at(-1), '\r\u001b[K', 'and it is taken away at the end');
});

/** Runs a program with a pipe for its messages, and gives these. */
async function toldInto(pipe: string, ...args: readonly string[]): Promise<string> {
  const clock = fileURLToPath(new URL('../../support/hasty-clock.cjs', import.meta.url));
  const run = promisify(execFile);
  return (await run(process.execPath, ['--require', clock, pipe, ...args])).stderr;
}

const toldByGateway = (...args: readonly string[]) => toldInto(gatewayBinary, ...args);

test('what takes long at a gateway tells it, line by line, into a pipe', async (t) => {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0 });
  try {
    await ingestAll(gateway.ledger, 'pump-1', checkoutEntries('order-1'));
  } finally {
    await gateway.close();
  }
  const at = ['--data-dir', dataDir];

  t.regex(await toldByGateway('ledger', 'verify', ...at), /^verified {2}█+ 100% {2}3 of 3 {2}/m);
  t.regex(await toldByGateway('ledger', 'rebuild', ...at), /^rebuilt {2}█+ 100% {2}3 of 3 {2}/m);
  t.regex(await toldByGateway('export', ...at), /^exported {2}█+ 100% {2}3 of 3 {2}/m);
  const about = ['--subject', 'somebody', ...at];
  t.regex(await toldByGateway('ledger', 'export', ...about), /^exported {2}for \d/m);
});
