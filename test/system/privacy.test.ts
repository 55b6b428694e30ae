import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { Aedes } from 'aedes';
import { askApi } from '@holdfast/device-sim';
import test, { type ExecutionContext } from 'ava';
import { Agent, workflow } from '@holdfast/agent';
import { readTable } from '@holdfast/agent/internal';
import { Gateway } from '@holdfast/gateway';
import type { ErasureView, VerifyView } from '@holdfast/gateway/internal';
import { open, parseTopic, type Log } from '@holdfast/protocol';
import { runGateway } from '../support/gateway-process.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const DEVICE = 'till-7';
const SUBJECT = 'customer-42';
/** Of each, no part is in anything else that is journaled. */
const LOCAL = 'face-of-ada-7f3a';
const CARD = '4111-1111-1111-1234';
const EMAIL = 'ada.lovelace@example.org';
const ERROR = 'declined-because-of-7781';

const order = workflow(
  'order',
  async (ctx, input: { readonly card: string; readonly email: string }) => {
    const face = await ctx.step('face', () => LOCAL, { local: true });
    await ctx.step('charge', () => ({ card: input.card, cents: 995 }), { redact: ['card'] });
    await ctx
      .step('fail', () => Promise.reject(new Error(ERROR)), { local: true, retry: false })
      .catch(() => undefined);
    await ctx.setStatus(`a receipt goes to ${input.email}`);
    const mailed = await ctx.call('mail', { to: input.email });
    await ctx.emit('ordered', { email: input.email });
    return { face, mailed };
  },
  { marks: { input: { redact: ['card'] }, output: { local: true } } },
);

/** A broker that sees what passes, as its operator could: what was deflated, inflated. */
class SeeingBroker {
  readonly seen: string[] = [];
  #server: Server | undefined;
  #aedes: Aedes | undefined;

  async start(): Promise<string> {
    const aedes = await Aedes.createBroker();
    aedes.on('publish', ({ topic, payload }) => {
      const device = parseTopic(topic)?.device;
      if (device !== undefined) this.#see(device, Buffer.from(payload));
    });
    const server = createServer((socket) => void aedes.handle(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    [this.#server, this.#aedes] = [server, aedes];
    return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#aedes?.close();
    this.#server?.close();
  }

  #see(device: string, payload: Buffer): void {
    this.seen.push(payload.toString('latin1'));
    const { message } = open(device, payload);
    if (message.kind !== 'batch' || message.encoding === 'plain') return;
    this.seen.push(inflateRawSync(message.payload).toString('latin1'));
  }
}

interface World {
  readonly agentDir: string;
  readonly gatewayDir: string;
  readonly broker: SeeingBroker;
  readonly logged: () => string;
  readonly gateway: Gateway;
  readonly agent: Agent;
}

async function worldOf(t: ExecutionContext): Promise<World> {
  const [agentDir, gatewayDir] = [await tempDir(t), join(await tempDir(t), 'gateway')];
  const broker = new SeeingBroker();
  const url = await broker.start();
  t.teardown(() => broker.stop());
  const lines: string[] = [];
  const note = (message: string, fields?: object): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { error: note, info: note, debug: note };
  const mail = ({ to }: { readonly to: string }): string => {
    if (to.startsWith('nobody')) throw new Error(`cannot mail ${to}`);
    return `sent to ${to}`;
  };
  const handlerPolicy = { attempts: 1, exhausted: 'fail' } as const;
  const gateway = await Gateway.open({
    ...{ dataDir: gatewayDir, broker: url, httpPort: 0, handlers: { mail }, handlerPolicy, log },
  });
  t.teardown(() => gateway.close().catch(() => undefined));
  await gateway.ready();
  const agent = await Agent.open({
    ...{ dataDir: agentDir, device: DEVICE, workflows: [order], gateway: url, log, socket: true },
  });
  t.teardown(() => agent.close().catch(() => undefined));
  return { agentDir, gatewayDir, broker, logged: () => lines.join('\n'), gateway, agent };
}

/** Every byte below a directory, and of tables of LevelDB also what is squeezed in them. */
function bytesOf(dir: string): string {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((each) => each.isFile())
    .flatMap(({ parentPath, name }) => {
      const file = readFileSync(join(parentPath, name));
      const rows = name.endsWith('.ldb') ? readTable(file).rows : [];
      return [file, ...rows.flatMap(({ key, value }) => [key, value ?? key])];
    });
  return texts.map((bytes) => Buffer.from(bytes).toString('latin1')).join('\n');
}

test('no byte of what is marked passes the broker, lies in the ledger, or is logged', async (t) => {
  const { agent, broker, gateway, gatewayDir, logged } = await worldOf(t);
  const run = await agent.start(order, { card: CARD, email: EMAIL }, { id: 'order-1' });
  t.deepEqual(await run.result(), { face: LOCAL, mailed: `sent to ${EMAIL}` });
  await agent.synced();

  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  const get = async (path: string) => (await askApi(api, path)).text();
  const runs = await get('/api/runs');
  const entries = await get(`/api/devices/${DEVICE}/entries?limit=1000`);
  const views = [await run.status(), await agent.status(), await agent.runs({ all: true })];
  const journal = await agent.surface.journal({ limit: 100 });
  const exported = await agent.surface.history('order-1');
  await agent.close();
  await gateway.close();

  const places = {
    ...{ wire: broker.seen.join('\n'), ledger: bytesOf(gatewayDir), log: logged(), runs, entries },
    ...{ views: JSON.stringify(views), journal: JSON.stringify(journal) },
    exported: JSON.stringify(exported),
  };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [LOCAL, CARD, ERROR]) {
      t.false(text.includes(secret), `${secret} in ${place}`);
      const hexed = Buffer.from(secret).toString('hex');
      t.false(text.includes(hexed), `${secret} in ${place}, as hexadecimal`);
    }
  }
  // It is not that nothing can be found.
  for (const place of ['wire', 'ledger', 'runs', 'entries'] as const) {
    t.true(places[place].includes(EMAIL), place);
  }
});

test('what is held on somebody can be exported and erased, gateway up or not', async (t) => {
  const { agent, broker, gateway, gatewayDir, logged } = await worldOf(t);
  const started = await agent.start(
    order,
    { card: CARD, email: EMAIL },
    { id: 'order-1', subject: SUBJECT },
  );
  await started.result();
  const other = { card: CARD, email: 'grace@example.org' };
  await (await agent.start(order, other, { id: 'order-2' })).result();
  await agent.synced();
  t.true(broker.seen.join('\n').includes(SUBJECT), 'it travels beside');
  const about = ['--data-dir', gatewayDir, '--subject', SUBJECT];

  const exported = await runGateway('ledger', 'export', ...about);
  t.is(exported.code, 0, exported.stderr);
  const lines = exported.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.true(lines.length >= 6);
  t.true(exported.stdout.includes(EMAIL));
  t.false(exported.stdout.includes('grace'));
  t.false(exported.stdout.includes(CARD), 'what is redacted is not there either');

  const unsure = await runGateway('ledger', 'erase', ...about);
  t.is(unsure.code, 2, 'not without --yes');
  const erased = await runGateway('ledger', 'erase', ...about, '--reason', 'ticket 7', '--yes');
  t.is(erased.code, 0, erased.stderr);
  await agent.close();
  await gateway.close();

  const files = bytesOf(gatewayDir);
  t.false(files.includes(EMAIL));
  t.false(files.includes(SUBJECT));
  t.true(files.includes('grace@example.org'));
  const dir = ['--data-dir', gatewayDir, '-o', 'json'] as const;
  const verified = await runGateway('ledger', 'verify', ...dir);
  t.is(verified.code, 0);
  const { whole, contents } = JSON.parse(verified.stdout) as VerifyView;
  t.true(whole);
  t.true(contents.erased >= 6);
  const receipts = await runGateway('ledger', 'erasures', ...dir);
  const { erasures } = JSON.parse(receipts.stdout) as { erasures: readonly ErasureView[] };
  t.like(erasures[0], { reason: 'ticket 7', complete: true, contents: contents.erased });
  t.false(receipts.stdout.includes(SUBJECT));
  t.is((await runGateway('ledger', 'export', ...about)).stdout, '');
  t.is((await runGateway('ledger', 'erase', ...about, '--yes')).code, 0, 'again, stopped');
  t.false(logged().includes(SUBJECT));
});

test('what a handler says of a call about somebody is in no log', async (t) => {
  const { agent, logged } = await worldOf(t);
  const email = 'nobody-7741@example.org';
  const run = await agent.start(order, { card: CARD, email }, { id: 'o', subject: SUBJECT });

  const failure = await t.throwsAsync(run.result(), { code: 'HF_RUN_FAILED' });

  t.true(failure?.message.includes(email), 'its own program is told');
  t.true(logged().includes('a call failed for good'));
  t.false(logged().includes('nobody-7741'));
});

test('what was marked survives the salvage of a damaged store, and stays marked', async (t) => {
  const dataDir = await tempDir(t);
  const told = workflow('told', async (ctx) => {
    const kept = await ctx.step('keep', () => LOCAL, { local: true });
    const shown = await ctx.step('show', () => ({ card: CARD, cents: 5 }), { redact: ['card'] });
    return [kept, shown, await ctx.waitFor('go')];
  });
  const options = { dataDir, device: DEVICE, workflows: [told, order] };
  const first = await Agent.open(options);
  await first.start(told, undefined, { id: 'told-1', subject: SUBJECT });
  await first.emit('seen', { email: EMAIL }, { subject: SUBJECT });
  while ((await (await first.run('told-1')).status()).state !== 'waiting-signal') {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await first.close();
  const manifest = readdirSync(join(dataDir, 'store')).find((name) => name.startsWith('MANIFEST'));
  await truncate(join(dataDir, 'store', manifest ?? ''), 7);

  const gatewayDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir: gatewayDir, mqttPort: 0 });
  t.teardown(() => gateway.close().catch(() => undefined));
  const second = await Agent.open({ ...options, gateway: gateway.mqttUrl });
  t.teardown(() => second.close().catch(() => undefined));
  const run = await second.run('told-1');
  await run.signal('go', 'on');
  t.deepEqual(await run.result(), [LOCAL, { card: CARD, cents: 5 }, 'on']);
  await second.synced();

  const problems = (await second.status()).problems.map(({ code }) => code);
  t.deepEqual(problems, ['HF_STORE_SALVAGED']);
  const held = await gateway.ledger.held({ subject: SUBJECT, limit: 100 });
  t.deepEqual(held.entries.map(({ entry }) => String(entry?.kind)).toSorted(), [
    'event.emitted',
    'run.completed',
    'run.started',
    'signal.received',
    'step.completed',
  ]);
  await second.close();
  await gateway.close();
  const files = bytesOf(gatewayDir);
  for (const secret of [LOCAL, CARD]) {
    // The output is not marked: it is what tells that something was found.
    t.is(files.split(secret).length - 1, 1, secret);
  }
  t.true(files.includes(EMAIL));
});

test('what is erased on the device leaves its files, and goes up without its values', async (t) => {
  const dataDir = await tempDir(t);
  const options = { dataDir, device: DEVICE, workflows: [order], socket: true } as const;
  const offline = await Agent.open(options);
  t.teardown(() => offline.close().catch(() => undefined));
  const input = { card: CARD, email: EMAIL };
  await offline.start(order, input, { id: 'order-1', subject: SUBJECT });
  await offline.emit('seen', { email: EMAIL }, { subject: SUBJECT });
  await offline.emit('seen', { email: 'grace@example.org' }, { subject: 'customer-43' });
  const cli = (...args: readonly string[]) =>
    holdfast(['erase', '--data-dir', dataDir, '--subject', SUBJECT, ...args]);
  t.true(bytesOf(dataDir).includes(EMAIL));

  t.is((await cli()).code, 2, 'not without --yes');
  const needed = await cli('--yes');
  t.is(needed.code, 6, 'its call is not answered yet');
  t.true(needed.stderr.includes('order-1'));
  const erased = await cli('--yes', '--force');
  t.is(erased.code, 0, erased.stderr);
  t.regex(erased.stdout, /^erased \d+ values .*; ended order-1/);

  t.false(bytesOf(join(dataDir, 'store')).includes(EMAIL));
  t.false(bytesOf(join(dataDir, 'store')).includes(LOCAL));
  t.false(bytesOf(join(dataDir, 'store')).includes(SUBJECT));
  t.true(bytesOf(join(dataDir, 'store')).includes('grace@example.org'));
  await offline.close();
  t.is((await holdfast(['journal', 'verify', '--data-dir', dataDir])).code, 0);

  const gatewayDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir: gatewayDir, mqttPort: 0 });
  t.teardown(() => gateway.close().catch(() => undefined));
  const online = await Agent.open({ ...options, gateway: gateway.mqttUrl });
  t.teardown(() => online.close().catch(() => undefined));
  await online.synced();
  const { faults, contents } = await gateway.ledger.verify();
  t.deepEqual(faults, []);
  t.like(contents, { held: 1, erased: 0 });
  t.true(contents.absent >= 4);
});

test('the command line shows what leaves, and all of it when it is asked to', async (t) => {
  const dataDir = await tempDir(t);
  const agent = await Agent.open({
    ...{ dataDir, device: DEVICE, workflows: [order], socket: true },
  });
  t.teardown(() => agent.close().catch(() => undefined));
  const cli = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await holdfast([...args, '--data-dir', dataDir]);
    t.is(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const input = JSON.stringify({ card: CARD, email: EMAIL });
  await cli('start', 'order', '--id', 'o-1', '--input', input, '--subject', SUBJECT);
  await cli('signal', 'o-1', 'note', JSON.stringify(EMAIL), '--subject', 'customer-43');
  await cli('emit', 'seen', JSON.stringify(EMAIL), '--subject', 'customer-43');
  while ((await (await agent.run('o-1')).status()).state !== 'waiting-call') {
    await new Promise((resolve) => setImmediate(resolve));
  }

  for (const masked of [
    await cli('workflow', 'show', 'o-1'),
    await cli('workflow', 'show', 'o-1', '--entries', '-o', 'json'),
    await cli('workflow', 'export', 'o-1'),
    await cli('workflow', 'ls', '-o', 'json'),
    await cli('journal', 'tail', '-n', '100', '-o', 'jsonl'),
    await cli('status', '-o', 'json'),
  ]) {
    for (const secret of [LOCAL, CARD, ERROR]) t.false(masked.includes(secret), secret);
  }
  t.regex(await cli('workflow', 'show', 'o-1', '--entries'), /\(local, 17 B\)/);
  for (const whole of [
    await cli('workflow', 'show', 'o-1', '--reveal', '-o', 'json'),
    await cli('workflow', 'export', 'o-1', '--reveal'),
  ]) {
    for (const secret of [LOCAL, CARD, ERROR]) t.true(whole.includes(secret), secret);
  }
  t.regex(await cli('erase', '--subject', 'customer-43', '--yes', '--force'), /ended o-1/);
  await agent.close();
  // The same, of the store of an agent that is stopped.
  t.false((await cli('workflow', 'show', 'o-1', '-o', 'json')).includes(CARD));
  t.true((await cli('workflow', 'show', 'o-1', '--reveal', '-o', 'json')).includes(CARD));
});

test('an erasure asks for a body of JSON, and tells what is wrong with it', async (t) => {
  const { gateway } = await worldOf(t);
  const post = async (body: string, type = 'application/json') => {
    const headers = { 'content-type': type };
    const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
    const answer = await askApi(api, '/api/ledger/erase', { method: 'POST', headers, body });
    return [answer.status, ((await answer.json()) as { readonly code?: string }).code];
  };
  const whole = JSON.stringify({ subject: SUBJECT, by: 'me' });

  t.deepEqual(await post(whole), [200, undefined]);
  const refused = [400, 'HF_REQUEST_INVALID'];
  // What a page of another site can make a browser send.
  t.deepEqual(await post(whole, 'text/plain'), [415, 'HF_REQUEST_INVALID']);
  t.deepEqual(await post(JSON.stringify({ by: 'me' })), refused);
  t.deepEqual(await post(JSON.stringify({ subject: '', by: 'me' })), refused);
  t.deepEqual(await post(JSON.stringify({ subject: 'a', by: 'me', all: true })), refused);
  t.deepEqual(await post('[]'), refused);
  t.deepEqual((await post('{"subject"'))[0], 400);
});
