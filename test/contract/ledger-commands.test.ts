import test from 'ava';
import {
  openPostgresLedger,
  sha256,
  systemClock,
  type Dispatch,
  type DispatchOrder,
  type Instruction,
  type Ledger,
} from '@holdfast/gateway/internal';
import { encodeValue, type EntryBody } from '@holdfast/protocol';
import { HandJournal } from '../support/hand-journal.ts';
import { ledgers, sharedPostgres, skippedLedgers } from '../support/ledgers.ts';

const publicKey = Uint8Array.of(1, 2, 3);

async function fleetOf(ledger: Ledger, ...devices: readonly string[]): Promise<void> {
  for (const device of devices) await ledger.greet({ device, epoch: 1, publicKey, atMs: 1_000 });
}

const instruction: Instruction = {
  ...{ id: 'cmd-1', kind: 'run.start', run: 'cmd-1', name: 'inspect' },
  ...{ payload: encodeValue(7), expiresAtMs: 9_000, issuedAtMs: 5_000, by: 'ola', to: 'all' },
};

function order(change: Partial<Instruction>, ...devices: readonly string[]): DispatchOrder {
  return { dispatch: { ...instruction, ...change }, devices, isLast: true };
}

function receipt(command: number, outcome: 'applied' | 'expired' | 'rejected', key = 'cmd-1') {
  const reason = outcome === 'applied' ? '' : `it is ${outcome}`;
  return { kind: 'command.receipt', command, outcome, reason, key } satisfies EntryBody;
}

/** Takes what a device says became of its commands. */
async function told(ledger: Ledger, device: string, ...receipts: readonly EntryBody[]) {
  const journal = new HandJournal(device).append('urgent', ...receipts);
  return ledger.ingest(journal.ingest('urgent', 1, receipts.length));
}

const devicesOf = async (
  ledger: Ledger,
  query: Partial<Parameters<Ledger['dispatched']>[0]> = {},
) => ledger.dispatched({ id: 'cmd-1', limit: 10, ...query });

const idsOf = (dispatches: readonly Dispatch[]) => dispatches.map(({ id }) => id);

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: tags of a device stay, and go with the ones that follow`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1');
    const tags = [
      { name: 'site', value: 'oslo' },
      { name: 'line', value: '2' },
    ];

    await ledger.tag({ device: 'd1', tags });
    const again = await next();

    t.deepEqual((await again.device('d1'))?.tags, tags);
    await fleetOf(again, 'd1');
    t.deepEqual((await again.device('d1'))?.tags, tags, 'a hello changes nothing of them');
    t.deepEqual((await again.tag({ device: 'd1', tags: [] }))?.tags, []);
    t.is(await again.tag({ device: 'd9', tags }), undefined);
  });

  test(`${name}: a command goes to each device under its next number, once`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1', 'd2');
    await ledger.issue(order({ id: 'cmd-0' }, 'd1'));

    t.true(await ledger.issue(order({}, 'd1', 'd2', 'd9')));
    const issued = await ledger.dispatch('cmd-1');
    const again = await next();
    await fleetOf(again, 'd3');
    t.true(await again.issue(order({ expiresAtMs: 1 }, 'd1', 'd2', 'd3')));

    t.like(issued, { id: 'cmd-1', isComplete: true });
    t.deepEqual(issued?.counts, { waiting: 2, applied: 0, expired: 0, rejected: 0 });
    t.deepEqual(await again.dispatch('cmd-1'), issued, 'who came since is not meant');
    const { issuedAtMs: _, by: __, to: ___, id: key, ...content } = instruction;
    const all = { device: 'd1', after: 0, limit: 10 };
    const [first, second, ...more] = await again.commands(all);
    t.like(first, { number: 1, key: 'cmd-0' });
    t.like(second, { number: 2, op: 0, key, ...content });
    t.deepEqual(more, []);
    t.is((await again.device('d2'))?.lastCommand, 1);
    t.is((await again.device('d2'))?.lastReceipt, 0);
  });

  test(`${name}: what became of a command on one device is asked for alone`, async (t) => {
    const { ledger } = await open(t);
    await fleetOf(ledger, 'd', 'd1', 'd11');
    await ledger.issue(order({}, 'd', 'd1', 'd11'));

    const ids = async (device: string) =>
      (await devicesOf(ledger, { device })).commands.map((each) => each.device);

    t.deepEqual(await Promise.all(['d', 'd1', 'd2'].map(ids)), [['d'], ['d1'], []]);
  });

  test(`${name}: another content under the same id changes nothing`, async (t) => {
    const { ledger } = await open(t);
    await fleetOf(ledger, 'd1');
    await ledger.issue(order({}, 'd1'));

    t.false(await ledger.issue(order({ name: 'erase' }, 'd1')));
    t.false(await ledger.issue(order({ payload: encodeValue(8) }, 'd1')));

    t.is((await ledger.device('d1'))?.lastCommand, 1);
    t.like(await ledger.dispatch('cmd-1'), { name: 'inspect' });
  });

  test(`${name}: a dispatch that was cut short goes on where it was`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1', 'd2');

    await ledger.issue({ ...order({}, 'd1'), isLast: false });
    const again = await next();
    t.like(await again.dispatch('cmd-1'), { isComplete: false, counts: { waiting: 1 } });
    await again.issue(order({}, 'd1', 'd2'));

    t.like(await again.dispatch('cmd-1'), { isComplete: true, counts: { waiting: 2 } });
    t.is((await again.device('d1'))?.lastCommand, 1);
  });

  test(`${name}: receipts say what became of a command, each counts once`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1', 'd2', 'd3', 'd4');
    await ledger.issue(order({}, 'd1', 'd2', 'd3', 'd4'));

    await told(ledger, 'd1', receipt(1, 'applied'), receipt(1, 'rejected'));
    await told(ledger, 'd2', receipt(1, 'expired'));
    await told(ledger, 'd3', receipt(1, 'rejected'), receipt(2, 'applied', 'cmd-of-nobody'));
    const again = await next();

    const counts = { waiting: 1, applied: 1, expired: 1, rejected: 1 };
    t.deepEqual((await again.dispatch('cmd-1'))?.counts, counts);
    await again.rebuild();
    t.deepEqual((await again.dispatch('cmd-1'))?.counts, counts, 'they are counted anew');
    const { commands, next: cursor } = await devicesOf(again, { limit: 3 });
    t.deepEqual(
      commands.map(({ device, outcome, reason }) => [device, outcome, reason]),
      [
        ['d1', 'applied', ''],
        ['d2', 'expired', 'it is expired'],
        ['d3', 'rejected', 'it is rejected'],
      ],
    );
    t.true(commands.every(({ settledAtMs, number }) => settledAtMs > 0 && number === 1));
    const rest = await devicesOf(again, { after: cursor });
    t.deepEqual(rest, {
      commands: [{ device: 'd4', number: 1, outcome: 'waiting', reason: '', settledAtMs: 0 }],
      next: undefined,
    });
    const waiting = await devicesOf(again, { outcome: 'waiting' });
    t.deepEqual(waiting.commands, rest.commands);
    t.is((await again.device('d1'))?.lastReceipt, 1);
  });

  test(`${name}: dispatches are listed, the newest first, page by page`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1');
    for (const id of ['a', 'b']) await ledger.issue(order({ id }, 'd1'));
    const again = await next();
    await again.issue(order({ id: 'c' }, 'd1'));

    const first = await again.dispatches({ limit: 2 });
    const second = await again.dispatches({ before: first.at(-1)?.ordinal, limit: 2 });

    t.deepEqual([idsOf(first), idsOf(second)], [['c', 'b'], ['a']]);
    t.is(await again.dispatch('d'), undefined);
    t.deepEqual(await devicesOf(again, { id: 'd' }), { commands: [], next: undefined });
  });

  test(`${name}: the lives of a device are told beside what its values have sealed`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').about('normal', 'ada', {
      ...{ kind: 'event.emitted', run: '', n: 0, op: 0, name: 'seen' },
      payload: encodeValue('here'),
    });
    await fleetOf(ledger, 'd1');
    await ledger.ingest(journal.ingest('normal', 1, 1));

    const lives = await ledger.epochs('d1');

    t.deepEqual(
      lives.map(({ epoch }) => epoch),
      [1],
    );
  });

  test(`${name}: answered commands go in time, and leave no gap behind`, async (t) => {
    const { ledger, next } = await open(t);
    await fleetOf(ledger, 'd1', 'd2');
    const issue = (id: string, issuedAtMs: number, ...devices: string[]) =>
      ledger.issue(order({ id, issuedAtMs }, ...devices));
    await issue('cmd-1', 5_000, 'd1', 'd2');
    await issue('cmd-2', 6_000, 'd1');
    await issue('cmd-3', 7_000, 'd2');
    await issue('cmd-4', 90_000, 'd1');
    const prune = (nowMs: number, from: Ledger = ledger) =>
      from.prune({ rules: [], keepCommandsMs: 10_000, nowMs, owner: 'me' });
    const numbers = async (device: string, after = 0, from: Ledger = ledger) =>
      (await from.commands({ device, after, limit: 10 })).map(({ number, key }) => [number, key]);

    await told(ledger, 'd1', receipt(1, 'applied'), receipt(2, 'expired', 'cmd-2'));
    t.like(await prune(50_000), { commands: 0 }, 'it is noted how far they are');
    t.deepEqual(idsOf(await ledger.dispatches({ limit: 9 })), ['cmd-4', 'cmd-3', 'cmd-1']);
    t.like(await prune(55_000), { commands: 0 });
    t.like(await prune(60_000), { commands: 2 });
    t.is((await ledger.prunings(1))[0]?.commands, 2);
    const later = await next();
    t.like(await prune(61_000, later), { commands: 0 }, 'there are no more');

    t.deepEqual(await numbers('d1', 2, later), [[3, 'cmd-4']], 'what waits is there');
    t.deepEqual(await numbers('d2', 0, later), [[1, 'cmd-1'], [2, 'cmd-3']]);
    const [gone, ...rest] = await later.commands({ device: 'd1', after: 0, limit: 10 });
    t.like(gone, { number: 1, key: '', expiresAtMs: 1 }, 'in its place');
    t.deepEqual(rest.map(({ number, key }) => [number, key]), [[2, ''], [3, 'cmd-4']]);
    t.is((await later.commands({ device: 'd1', after: 0, limit: 1 })).length, 1);
    t.deepEqual(await numbers('d1', 3, later), []);
    t.is((await later.dispatch('cmd-1'))?.counts.waiting, 1, 'one of its devices has not answered');
    t.is(await later.dispatch('cmd-2'), undefined);
  });
}

const inPostgres = skippedLedgers === '' ? test : test.skip;
const needs = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;

inPostgres(`counts that two gateways keep at once are right${needs}`, async (t) => {
  const url = await (await sharedPostgres()).empty();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  const open = async () => {
    const { ledger } = await openPostgresLedger(parts);
    t.teardown(() => ledger.close());
    return ledger;
  };
  const [one, other] = [await open(), await open()];
  const devices = Array.from({ length: 150 }, (_, at) => `d-${at}`);
  const greeting = (device: string) => ({ device, epoch: 1, publicKey, atMs: 1_000 });
  // Both meet each of them, at the same time.
  await Promise.all(devices.flatMap((each) => [one, other].map((it) => it.greet(greeting(each)))));
  t.is(await one.deviceCount(), devices.length);

  await one.issue(order({}, ...devices));
  const outcomes = ['applied', 'expired', 'rejected'] as const;
  await Promise.all(
    devices.map((device, at) =>
      told(at % 2 === 0 ? one : other, device, receipt(1, outcomes[at % 3] ?? 'applied')),
    ),
  );

  const counts = { waiting: 0, applied: 50, expired: 50, rejected: 50 };
  t.deepEqual((await other.dispatch('cmd-1'))?.counts, counts);
});
