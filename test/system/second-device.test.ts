import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getFromApi } from '@holdfast/device-sim';
import test, { type ExecutionContext } from 'ava';
import { runGateway, serveGateway } from '../support/gateway-process.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

/** From `test/dist/system`. */
const device = fileURLToPath(new URL('../../second-device/', import.meta.url));
const vectors = fileURLToPath(new URL('../../../protocol/vectors/', import.meta.url));

const hasTools = hasProgram('python3') && hasProgram('openssl');
const needed = hasTools ? test : test.skip;
const needs = '(needs python3 and openssl)';

const DEADLINE_MS = 60_000;

/** Runs a part of the second device to its end; the lines of JSON that it printed. */
function python(script: string, ...args: readonly string[]): Promise<Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    const options = { timeout: DEADLINE_MS, killSignal: 'SIGKILL' } as const;
    const all = ['-B', join(device, script), ...args];
    execFile('python3', all, options, (error, stdout, stderr) => {
      if (error === null)
        resolve(
          stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
      else reject(new Error(`${script} ${args[0]}: ${stdout}${stderr}`, { cause: error }));
    });
  });
}

needed(`the vectors mean the same to a device in Python ${needs}`, async (t) => {
  const files = await python('check_vectors.py', vectors);

  t.is(files.length, 8);
  for (const { file, checked, wrong } of files) {
    t.deepEqual(wrong, [], String(file));
    t.true(Number(checked) > 4, String(file));
  }
});

interface EntriesPage {
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

/** Commands reach a device that obeys one, cannot obey another, and cannot read the third. */
async function isTold(
  t: ExecutionContext,
  dataDir: string,
  live: () => Promise<Record<string, unknown>[]>,
): Promise<void> {
  const command = async (...args: readonly string[]): Promise<unknown> => {
    const ran = await runGateway('command', ...args, '--data-dir', dataDir, '-o', 'json');
    t.is(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout);
  };
  await command('set', 'valve', '{"open":true}', '--device', 'py-1', '--command-id', 'c-1');
  await command('start', 'inspection', '--all', '--command-id', 'c-2');
  await command('set', 'strange', '1', '--device', 'py-1', '--command-id', 'c-3');
  t.deepEqual(await live(), [
    { what: 'told', settings: { valve: { open: true } }, lastCommand: 4, unread: 3 },
  ]);
  t.like(await command('show', 'c-1'), { devices: { issued: 1, waiting: 0, applied: 1 } });
  const reason = 'this device runs no workflows';
  t.like(await command('show', 'c-2'), {
    devices: { rejected: 1 },
    receipts: [{ device: 'py-1', number: 3, outcome: 'rejected', reason }],
  });
  t.like(await command('show', 'c-3'), {
    devices: { rejected: 1 },
    receipts: [{ number: 4, reason: 'the device cannot read it: no room for it' }],
  });
}

needed(
  `a device in Python, written from PROTOCOL.md, is served like any other ${needs}`,
  async (t) => {
    const dir = await tempDir(t);
    const [dataDir, home, handlers] = [join(dir, 'gateway'), join(dir, 'py'), join(dir, 'h.mjs')];
    const source = 'export const handlers = { double: ({ number }) => ({ number: number * 2 }) };';
    await writeFile(handlers, source);
    const gateway = await serveGateway(t, dataDir, '--handlers', handlers);
    const { hostname, port } = new URL(gateway.mqtt);
    const live = (part: string) => python('story.py', part, hostname, port, 'py-1', home);

    const first = await live('first-life');
    t.deepEqual(first, [
      { what: 'welcome', marks: [0, 0, 0] },
      { what: 'lost', watermark: 5 },
      { what: 'acked', watermark: 7, resentFrom: 1 },
    ]);
    const second = await live('second-life');
    t.deepEqual(second, [
      { what: 'restarted', boot: 2, head: 8, acked: 0 },
      { what: 'drained', watermark: 8 },
      { what: 'missing', seq: 9 },
      { what: 'acked', watermark: 12 },
      { what: 'command', kind: 'call.completed', number: 1 },
      { what: 'repeated', numbers: [1] },
      { what: 'settled', result: { number: 42 } },
      { what: 'end', lastCommand: 1, left: [], dropped: 0 },
    ]);

    const get = (path: string) => getFromApi(gateway, `/api/devices/py-1${path}`);
    const { entries } = (await get('/entries?limit=100')) as EntriesPage;
    const seqs = (lane: string) =>
      entries.filter((entry) => entry['lane'] === lane).map(({ seq }) => seq);
    // The last of them is in three parts and itself.
    t.deepEqual(
      seqs('bulk'),
      Array.from({ length: 17 }, (_, index) => index + 1),
    );
    t.deepEqual(seqs('normal'), [1, 2]);
    const readings = entries.flatMap(({ kind, payload }) =>
      kind === 'event.emitted' ? [payload] : [],
    );
    const short = Array.from({ length: 13 }, (_, index) => ({ reading: index + 1 }));
    t.deepEqual(readings.slice(0, 13), short);
    t.like(readings[13], { $: 'parts' });
    const long = (await get('/value?lane=bulk&seq=17')) as { readonly value: unknown };
    t.deepEqual(long.value, { reading: 14, trace: 'x'.repeat(100_000) });
    const [asked, answered] = entries.filter(({ lane }) => lane === 'urgent');
    t.like(asked, { kind: 'call.requested', name: 'double', input: { number: 21 } });
    t.like(answered, { kind: 'call.completed', command: 1, result: { number: 42 } });
    const { runs } = (await get('/runs')) as { runs: unknown[] };
    t.like(runs, [{ id: 'order-1', workflow: 'doubling', state: 'completed' }]);
    t.like(await get(''), { agentVersion: 'python-1', lastCommand: 1, refusals: 0 });

    await isTold(t, dataDir, () => live('told'));

    await gateway.end('SIGTERM');
    const verified = await runGateway('ledger', 'verify', '--data-dir', dataDir, '-o', 'json');
    t.like(JSON.parse(verified.stdout), { whole: true, entries: 24, faults: [] });
    t.is(verified.code, 0);
  },
);

needed(`what is about somebody can be erased, from a device in Python too ${needs}`, async (t) => {
  const dir = await tempDir(t);
  const dataDir = join(dir, 'gateway');
  const gateway = await serveGateway(t, dataDir);
  const { hostname, port } = new URL(gateway.mqtt);
  const live = () => python('story.py', 'about-somebody', hostname, port, 'py-1', join(dir, 'py'));
  const payloads = async (): Promise<unknown[]> => {
    const page = await getFromApi<EntriesPage>(gateway, '/api/devices/py-1/entries?limit=100');
    return page.entries.map(({ payload }) => payload);
  };
  await live();
  t.deepEqual(await payloads(), [{ reading: 1 }, { reading: 2 }, { reading: 3 }]);

  const about = ['--data-dir', dataDir, '--subject', 'customer-42', '--yes'];
  const erased = await runGateway('ledger', 'erase', ...about);
  t.is(erased.code, 0, erased.stderr);
  t.deepEqual(await live(), [{ what: 'acked', watermark: 3 }], 'sent again');

  const [first, ...others] = await payloads();
  t.like(first, { $: 'erased' });
  t.deepEqual(others, [{ reading: 2 }, { reading: 3 }]);
  await gateway.end('SIGTERM');
  const verified = await runGateway('ledger', 'verify', '--data-dir', dataDir, '-o', 'json');
  t.like(JSON.parse(verified.stdout), { whole: true, contents: { held: 1, erased: 1 } });
});

needed(`what is not of the protocol is refused by its code ${needs}`, async (t) => {
  const dir = await tempDir(t);
  const home = join(dir, 'py');
  const gateway = await serveGateway(t, join(dir, 'gateway'));
  const { hostname, port } = new URL(gateway.mqtt);
  const live = (part: string) => python('story.py', part, hostname, port, 'py-1', home);
  await live('first-life');

  const refused = await live('refusals');

  t.deepEqual(
    refused.map(({ attempt, code }) => [attempt, code]),
    [
      ['another key', 'HF_SIGNATURE_INVALID'],
      ['another version', 'HF_VERSION_UNSUPPORTED'],
      ['no envelope', 'HF_MESSAGE_INVALID'],
      ['an epoch that never began', 'HF_EPOCH_UNKNOWN'],
      ['another history', 'HF_CHAIN_BROKEN'],
    ],
  );
});
