import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import test, { type ExecutionContext } from 'ava';
import { connectAsync } from 'mqtt';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import { sha256 } from '@holdfast/gateway/internal';
import {
  codeOf,
  encodeValue,
  hex,
  keyNameOf,
  seal,
  topicOf,
  type Lane,
} from '@holdfast/protocol';
import { runGateway } from '../support/gateway-process.ts';
import { poll, until } from '../support/calls.ts';
import { HandDevice } from '../support/hand-device.ts';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { Killable } from '../support/killable.ts';
import { tempDir } from '../support/temp-dir.ts';

async function openGateway(
  t: ExecutionContext,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const dataDir = options.dataDir ?? (await tempDir(t));
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, ...options });
  t.teardown(() => gateway.close());
  return gateway;
}

async function connectDevice(
  t: ExecutionContext,
  gateway: { readonly mqttUrl: string },
  device = 'd1',
): Promise<HandDevice> {
  const hand = await HandDevice.connect(gateway.mqttUrl, device);
  t.teardown(() => hand.close());
  return hand;
}

/** Sends a hello and resolves with the answer. */
async function greet(device: HandDevice, journal: HandJournal) {
  await device.send(journal.hello(device.signer));
  return device.next('welcome');
}

async function heldSeqs(gateway: Gateway, lane: Lane = 'normal'): Promise<number[]> {
  const entries = await gateway.ledger.entries({ device: 'd1', lane, after: 0, limit: 1_000 });
  return entries.map(({ seq }) => seq);
}

test('a device is welcomed, and each batch is acked with what the ledger holds', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 9);

  const welcome = await greet(device, journal);
  const acks: unknown[] = [];
  for (const [first, last] of [
    [1, 3],
    [1, 3],
    [7, 9],
    [2, 6],
    [7, 9],
  ] as const) {
    await device.send(journal.batch('normal', first, last));
    const { watermark, missingFrom, hash } = await device.next('ack');
    t.is(hex(hash), hex(journal.hashes('normal')[watermark] ?? new Uint8Array()));
    acks.push([watermark, missingFrom]);
  }

  t.deepEqual(
    welcome.lanes.map(({ watermark, verdict }) => ({ watermark, verdict })),
    [
      { watermark: 0, verdict: 'ok' },
      { watermark: 0, verdict: 'ok' },
      { watermark: 0, verdict: 'ok' },
    ],
  );
  t.is(welcome.inflightMax, 8);
  t.deepEqual(acks, [
    [3, 0],
    [3, 0],
    [3, 4],
    [6, 0],
    [9, 0],
  ]);
  t.deepEqual(await heldSeqs(gateway), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.is(device.forged, 0);
});

test('a window of batches at once is committed in order', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 800);
  await greet(device, journal);

  for (let n = 0; n < 8; n += 1) {
    void device.send(journal.batch('normal', n * 100 + 1, n * 100 + 100));
  }

  let watermark = 0;
  while (watermark < 800) ({ watermark } = await device.next('ack'));
  t.is((await gateway.ledger.verify()).entries, 800);
});

test('what is not signed by the device is refused, counted and not stored', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 2);
  await greet(device, journal);

  await device.send(journal.batch('normal', 1, 2), { signer: newSigner() });
  const forged = await device.next('refusal');
  await device.sendBytes(Uint8Array.of(1, 2, 3));
  const garbage = await device.next('refusal');
  const elsewhere = seal('d2', journal.batch('normal', 1, 2), device.signer);
  await device.sendBytes(elsewhere);
  const replayed = await device.next('refusal');
  const stranger = newSigner();
  await device.send(journal.hello(stranger), { signer: stranger });
  const otherKey = await device.next('refusal');

  t.deepEqual(
    [forged, garbage, replayed, otherKey].map(({ code }) => code),
    ['HF_SIGNATURE_INVALID', 'HF_MESSAGE_INVALID', 'HF_SIGNATURE_INVALID', 'HF_SIGNATURE_INVALID'],
  );
  t.deepEqual(await heldSeqs(gateway), []);
  t.is(gateway.live().find((each) => each.device === 'd1')?.refusals, 4);
  await device.send(journal.batch('normal', 1, 2));
  t.is((await device.next('ack')).watermark, 2);
});

test('a batch that lies about what it holds is refused, and the next one is taken', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 50);
  await greet(device, journal);
  const good = journal.batch('normal', 1, 50);

  for (const lie of [
    { count: 49 },
    { plainBytes: 10 },
    { plainBytes: good.plainBytes + 1 },
    { encoding: 'plain' as const },
    { seqFirst: 0 },
  ]) {
    await device.send({ ...good, ...lie });
    t.is((await device.next('refusal')).code, 'HF_MESSAGE_INVALID', JSON.stringify(lie));
  }
  await device.send({ ...good, epoch: 2 });
  t.is((await device.next('refusal')).code, 'HF_EPOCH_UNKNOWN');
  await device.send({ ...good, previousHash: new Uint8Array(32) });
  t.is((await device.next('refusal')).code, 'HF_CHAIN_BROKEN');

  t.deepEqual(await heldSeqs(gateway), []);
  await device.send(good);
  t.is((await device.next('ack')).watermark, 50);
});

test('a device keeps to its own topics, or is disconnected', async (t) => {
  const gateway = await openGateway(t);
  const spy = await connectDevice(t, gateway, 'spy');
  const victim = await connectDevice(t, gateway, 'd1');
  const journal = new HandJournal('d1').facts('normal', 1);
  await greet(victim, journal);

  const granted: number[] = await spy.client
    .subscribeAsync([topicOf('d1', 'down'), 'holdfast/1/+/up', '#'], { qos: 1 })
    .then((all) => all.map(({ qos }): number => qos))
    .catch(() => [128, 128, 128]);
  const closed = new Promise<void>((resolve) => spy.client.on('close', () => resolve()));
  spy.client.publish(topicOf('d1', 'up'), 'x', { qos: 1 });
  await closed;

  t.deepEqual(granted, [128, 128, 128]);
  t.is(gateway.live().find(({ device }) => device === 'd1')?.refusals, 0);
  const stranger = { clientId: 'monitor', protocolVersion: 4, reconnectPeriod: 0 } as const;
  await t.throwsAsync(connectAsync(gateway.mqttUrl, stranger));
});

test('a packet that is too long is cut off before it is there', async (t) => {
  const gateway = await openGateway(t);
  const { port } = new URL(gateway.mqttUrl);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');

  // A PUBLISH that says it has 256 MiB, and a first piece of it.
  const closed = new Promise((resolve) => {
    socket.on('error', () => {}).on('close', resolve);
  });
  socket.write(Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(65_536)]));
  await closed;

  const device = await connectDevice(t, gateway);
  t.is((await greet(device, new HandJournal('d1'))).kind, 'welcome');
});

test('however many connect at once, they are let in at the pace that was configured', async (t) => {
  const gateway = await openGateway(t, { connectsPerS: 20 });
  const letInAtMs: number[] = [];
  const herd = Array.from({ length: 30 }, async (_, index) => {
    await connectDevice(t, gateway, `herd-${index}`);
    letInAtMs.push(performance.now());
  });

  await Promise.all(herd);

  // Each is told a moment after it was let in, the last one of a second maybe at once.
  const [first = 0, last = 0] = [letInAtMs[0], letInAtMs.at(-1)];
  t.true(last - first > 1_000, `all of them came within ${last - first} ms`);
  await t.throwsAsync(openGateway(t, { connectsPerS: 0 }), { code: 'HF_CONFIG_INVALID' });
});

test('a set back device and another history are told so in the welcome', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 3);
  await greet(device, journal);
  await device.send(journal.batch('normal', 1, 3));
  await device.next('ack');

  const back = new HandJournal('d1').facts('normal', 2);
  const other = new HandJournal('d1').append('normal', started('r1')).facts('normal', 2);
  const session = (n: number) => ({ session: new Uint8Array(8).fill(n) });
  await device.send(back.hello(device.signer, session(2)));
  const rewound = await device.next('welcome');
  await device.send(other.hello(device.signer, session(3)));
  const diverged = await device.next('welcome');
  const stand = other.hello(device.signer, session(4));
  const [, { head, headHash }] = stand.lanes;
  const agreed = { head, headHash, acked: head, ackedHash: headHash };
  await device.send({ ...stand, lanes: [stand.lanes[0], agreed, stand.lanes[2]] });
  const forked = await device.next('welcome');
  await device.send(new HandJournal('d1', 2).hello(device.signer, session(5)));
  const reborn = await device.next('welcome');

  const welcomes = [rewound, diverged, forked, reborn];
  const [first, apart, second, third] = welcomes.map(({ lanes }) => lanes[1]);
  t.deepEqual([first?.verdict, first?.watermark], ['rewound', 3]);
  t.deepEqual([apart?.verdict, apart?.watermark], ['rewound', 3]);
  t.deepEqual([second?.verdict, second?.watermark], ['forked', 3]);
  t.deepEqual([third?.verdict, third?.watermark], ['ok', 0]);
  t.deepEqual([forked.epoch, reborn.epoch], [1, 2]);
});

test('of two live agents with one identity neither is let in, and people see it', async (t) => {
  const gateway = await openGateway(t);
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1');
  const hello = (incarnation: number, session: number) =>
    journal.hello(device.signer, {
      incarnation: new Uint8Array(8).fill(incarnation),
      session: new Uint8Array(8).fill(session),
    });

  await device.send(hello(1, 1));
  await device.next('welcome');
  await device.send(hello(2, 2));
  await device.next('welcome');
  await device.send(hello(1, 3));
  const first = await device.next('refusal');
  await device.send(hello(2, 4));
  const second = await device.next('refusal');

  t.deepEqual([first.code, second.code], ['HF_IDENTITY_CONFLICT', 'HF_IDENTITY_CONFLICT']);
  t.true(first.retryAfterMs > 0 && second.retryAfterMs > 0);
  t.is(gateway.live()[0]?.state, 'conflict');
});

test('the result of a call comes down, again after each hello until it is received', async (t) => {
  const handlers = { stock: () => ({ left: 3 }) };
  const gateway = await openGateway(t, { handlers });
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').append('urgent', started('r1'));
  const input = encodeValue(null, 'input');
  const asked = { ...requested('r1'), input };
  journal.append('urgent', asked);
  await greet(device, journal);

  await device.send(journal.batch('urgent', 1, 2));
  const first = await device.next('commands');
  await device.send(journal.hello(device.signer, { session: new Uint8Array(8).fill(2) }));
  const second = await device.next('commands');
  const result = first.commands[0]?.payload ?? new Uint8Array();
  const op = { run: 'r1', n: 2, op: 1, name: 'stock' };
  journal.append('urgent', { kind: 'call.completed', ...op, command: 1, result });
  await device.send(journal.batch('urgent', 3, 3));
  await device.next('ack');
  const session = new Uint8Array(8).fill(3);
  await device.send(journal.hello(device.signer, { session, lastCommand: 1 }));
  await device.next('welcome');
  await device.send(journal.batch('urgent', 1, 1));
  await device.next('ack');

  const told = [first, second].flatMap(({ commands }) => commands);
  t.deepEqual(
    told.map(({ number, key }) => [number, key]),
    [
      [1, 'uid-r1/1'],
      [1, 'uid-r1/1'],
    ],
  );
  t.deepEqual(device.heard, []);
  t.deepEqual(await gateway.ledger.pendingCalls(10), []);
});

test('a gateway killed between commit and ack has the batch, and acks the resend', async (t) => {
  const dir = await tempDir(t);
  const journal = new HandJournal('d1').facts('normal', 5);
  const first = new Killable('stoppable-gateway.js', [dir, 'ledger:committed']);
  t.teardown(() => first.kill());
  await first.printed(1);
  const before = await connectDevice(t, { mqttUrl: first.lines[0] ?? '' });
  await greet(before, journal);
  await before.send(journal.batch('normal', 1, 5));
  await first.printed(2);
  await first.kill();
  t.deepEqual(before.heard, [], 'nothing was acked');

  const second = new Killable('stoppable-gateway.js', [dir]);
  t.teardown(() => second.kill());
  await second.printed(1);
  // No hello: the ledger is enough to take the batch.
  const device = await HandDevice.connect(second.lines[0] ?? '', 'd1', before.signer);
  t.teardown(() => device.close());
  await device.send(journal.batch('normal', 1, 5));
  const ack = await device.next('ack');
  await second.kill();

  t.deepEqual([ack.watermark, ack.missingFrom], [5, 0]);
  const gateway = await openGateway(t, { dataDir: dir });
  const { entries, faults } = await gateway.ledger.verify();
  t.deepEqual({ entries, faults }, { entries: 5, faults: [] });
});

test('a gateway killed before the commit has nothing, and says from where to send', async (t) => {
  const dir = await tempDir(t);
  const journal = new HandJournal('d1').facts('normal', 5);
  const first = new Killable('stoppable-gateway.js', [dir, 'ledger:ingest']);
  t.teardown(() => first.kill());
  await first.printed(1);
  const before = await connectDevice(t, { mqttUrl: first.lines[0] ?? '' });
  await greet(before, journal);
  await before.send(journal.batch('normal', 1, 5));
  await first.printed(2);
  await first.kill();

  const gateway = await openGateway(t, { dataDir: dir });
  const device = await HandDevice.connect(gateway.mqttUrl, 'd1', before.signer);
  t.teardown(() => device.close());
  await device.send(journal.batch('normal', 3, 5));
  const ack = await device.next('ack');

  t.deepEqual([ack.watermark, ack.missingFrom], [0, 1]);
});

test('a data directory has one gateway, whose keys and address are in it', async (t) => {
  const dataDir = await tempDir(t);
  const gateway = await openGateway(t, { dataDir });
  const other = new Killable('stoppable-gateway.js', [dataDir]);
  t.teardown(() => other.kill());
  await other.printed(1);

  const again = await t.throwsAsync(Gateway.open({ dataDir, mqttPort: 0 }));
  const state: unknown = JSON.parse(await readFile(join(dataDir, 'gateway.json'), 'utf8'));
  const { mode } = await stat(join(dataDir, 'identity', 'gateway.key'));

  t.deepEqual([codeOf(again), other.lines[0]], ['HF_STORE_LOCKED', 'HF_STORE_LOCKED']);
  t.like(state, { pid: process.pid, mqtt: gateway.mqttUrl, http: null });
  t.is(mode & 0o777, 0o600);
});

test('what keeps a gateway from starting is said, and nothing is left behind', async (t) => {
  const dir = await tempDir(t);
  const file = join(dir, 'file');
  await writeFile(file, '');
  const gateway = await openGateway(t);
  const mqttPort = Number(new URL(gateway.mqttUrl).port);
  const dataDir = join(dir, 'data');

  const errors = [
    await t.throwsAsync(Gateway.open({ dataDir: file, mqttPort: 0 })),
    await t.throwsAsync(Gateway.open({ dataDir, mqttPort })),
    await t.throwsAsync(Gateway.open({ dataDir, broker: 'not a url' })),
    await t.throwsAsync(Gateway.open({ dataDir, mqttHost: '203.0.113.1', mqttPort: 0 })),
  ];

  t.deepEqual(errors.map(codeOf), [
    'HF_DATA_DIR_UNUSABLE',
    'HF_PORT_TAKEN',
    'HF_GATEWAY_ADDRESS',
    'HF_CONFIG_INVALID',
  ]);
  const after = await openGateway(t, { dataDir });
  t.deepEqual(after.unready(), []);
});

/** A broker as others run them, which knows nothing of us. */
async function startPlainBroker(port: number): Promise<{ url: string; stop: () => Promise<void> }> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await Promise.all([closed, new Promise<void>((done) => aedes.close(done))]);
  };
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

test('over another broker the gateway works, and comes back when that one does', async (t) => {
  const first = await startPlainBroker(0);
  const gateway = await openGateway(t, { broker: first.url });
  await gateway.ready();
  const journal = new HandJournal('d1').facts('normal', 4);
  const before = await connectDevice(t, gateway);
  await greet(before, journal);
  await before.send(journal.batch('normal', 1, 2));
  t.is((await before.next('ack')).watermark, 2);

  await first.stop();
  await until(() => gateway.unready().length === 1, poll);
  const second = await startPlainBroker(Number(new URL(first.url).port));
  t.teardown(second.stop);
  await gateway.ready();
  const device = await HandDevice.connect(gateway.mqttUrl, 'd1', before.signer);
  t.teardown(() => device.close());
  await device.send(journal.batch('normal', 3, 4));

  t.is((await device.next('ack')).watermark, 4);
  t.deepEqual(gateway.unready(), []);
});

test('a gateway that is told to end commits what it has taken, and says so', async (t) => {
  const dataDir = await tempDir(t);
  const gateway = await openGateway(t, { dataDir });
  const device = await connectDevice(t, gateway);
  const journal = new HandJournal('d1').facts('normal', 40);
  await greet(device, journal);
  const taken = Array.from({ length: 40 }, (_, index) => index + 1).map((seq) =>
    device.send(journal.batch('normal', seq, seq)).then(() => 1, () => 0),
  );
  await taken[0];
  const ended = new Promise<void>((resolve) => device.client.once('close', () => resolve()));

  await gateway.close();

  await ended;
  const acks = device.heard.flatMap((each) => (each.kind === 'ack' ? each.watermark : []));
  const again = await openGateway(t, { dataDir });
  const { entries } = await again.ledger.verify();
  t.is(Math.max(...acks), entries, 'everything that is durable was acknowledged');
  t.true(entries >= 1);
});

test('S60 what still comes under a key that was replaced is kept in quarantine', async (t) => {
  const dataDir = await tempDir(t);
  const gateway = await openGateway(t, { dataDir });
  const device = await connectDevice(t, gateway);
  const old = new HandJournal('d1').facts('normal', 5);
  await greet(device, old);
  await device.send(old.batch('normal', 1, 2));
  await device.next('ack');
  const [newSide, stranger] = [newSigner(), newSigner()];
  const key = keyNameOf(sha256, newSide.publicKey);
  await gateway.close();
  t.is((await runGateway('rekey', 'd1', '--key', key, '--data-dir', dataDir)).code, 0);
  const again = await openGateway(t, { dataDir });
  const late = await connectDevice(t, again);
  const renewed = new HandJournal('d1', 2).facts('normal', 1);
  await late.send(renewed.hello(newSide), { signer: newSide });
  await late.next('welcome');

  // On its way for a while, or from a device that nobody has told.
  await late.send(old.batch('normal', 3, 5), { signer: device.signer });
  const refused = await late.next('refusal');
  await late.send(old.batch('normal', 3, 4), { signer: stranger });
  await late.next('refusal');
  await late.send(renewed.batch('normal', 1, 1), { signer: newSide });
  await late.next('ack');
  await again.close();

  t.is(refused.code, 'HF_SIGNATURE_INVALID');
  t.regex(refused.why, /kept in quarantine/);
  const of = ['--device', 'd1', '--data-dir', dataDir];
  const { stdout } = await runGateway('ledger', 'quarantine', ...of, '-o', 'json');
  const view = JSON.parse(stdout) as { kept: number; entries: readonly { seq: number }[] };
  t.deepEqual([view.kept, view.entries.map(({ seq }) => seq)], [3, [3, 4, 5]]);
  const screen = await runGateway('ledger', 'quarantine', ...of);
  t.regex(screen.stdout, /3 entries \(.+\) of epoch 1, applied to nothing\./);
  const entries = await runGateway('ledger', 'entries', ...of, '--epoch', '1', '-o', 'json');
  t.is((JSON.parse(entries.stdout) as { entries: unknown[] }).entries.length, 2);
});
