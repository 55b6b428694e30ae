import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import {
  DiskRoom,
  Journal,
  SyncTimes,
  budgetOf,
  createStore,
  dropBallast,
  noteClosed,
  noteUnclean,
  readRoom,
  shortageOf,
  sha256,
  uncleanEnds,
} from '@holdfast/agent/internal';
import {
  HoldfastError,
  codeOf,
  decodeEntry,
  decodeValue,
  encodeValue,
  type StoreOp,
} from '@holdfast/protocol';
import test from 'ava';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

const log = { error: () => {}, info: () => {}, debug: () => {} };

/** A commit that takes so long. */
async function commit(clock: SimClock, syncs: SyncTimes, ms: number, isWell = true) {
  syncs.begin();
  await clock.advance(ms);
  syncs.end(isWell);
}

test('of the last 256 commits it is known how long they took', async (t) => {
  const clock = new SimClock();
  const syncs = new SyncTimes(clock, log);
  t.is(syncs.view(), undefined);

  await commit(clock, syncs, 900);
  for (let ms = 1; ms <= 256; ms += 1) await commit(clock, syncs, ms);

  t.deepEqual(syncs.view(), { count: 256, p50: 128, p99: 254, max: 256 });
  t.is(syncs.slowMs(), undefined);
});

test('a slow commit is told at once, for ten minutes, and once in the log', async (t) => {
  const clock = new SimClock();
  const lines: unknown[] = [];
  const syncs = new SyncTimes(clock, { ...log, error: (_, fields) => lines.push(fields) });
  syncs.begin();
  await clock.advance(3_000);

  t.is(syncs.slowMs(), 3_000);
  t.is(syncs.view()?.max, 3_000);
  syncs.end(true);
  await commit(clock, syncs, 2_000);
  t.is(syncs.slowMs(), 3_000, 'the longest of them');
  t.deepEqual(lines, [{ syncMs: 3_000 }]);
  await clock.advance(600_000);
  t.is(syncs.slowMs(), undefined);
});

test('a failed commit counts as one that took its time', async (t) => {
  const clock = new SimClock();
  const syncs = new SyncTimes(clock, log);
  await commit(clock, syncs, 4_000, false);

  t.is(syncs.slowMs(), 4_000);
});

test('with too little room on the disk new work is refused, and the cloud is told', async (t) => {
  const store = new SimStore();
  let short: HoldfastError | undefined;
  const journal = await Journal.open({
    ...{ device: 'd-1', epoch: 1, boot: 1, clock: new SimClock(), sha256, store },
    ...{ budget: budgetOf(), shortage: () => short },
  });
  const payload = encodeValue(1);
  const body = { kind: 'event.emitted', run: 'r', n: 0, op: 0, name: 'e', payload } as const;
  journal.checkRoom();
  short = new HoldfastError('HF_DISK_FULL', { why: 'nothing is free' });
  for (const lane of ['normal', 'urgent', 'bulk'] as const) {
    t.is(codeOf(t.throws(() => journal.checkRoom(lane))), 'HF_DISK_FULL', lane);
  }
  await journal.append([{ lane: 'normal', body }]);
  short = undefined;
  t.notThrows(() => journal.checkRoom());
  t.notThrows(() => journal.checkRoom());
  await journal.flush();

  const told = (await journal.entries('urgent', 1, 9)).map(({ bytes }) => decodeEntry(bytes));
  t.deepEqual(
    told.map((entry) => entry.kind === 'event.emitted' && [entry.name, decodeValue(entry.payload)]),
    [
      ['holdfast.refusing', { code: 'HF_DISK_FULL', why: 'nothing is free' }],
      ['holdfast.accepting', { code: 'HF_DISK_FULL', refused: 3 }],
    ],
  );
  t.is(journal.positions()[1].head, 1, 'what is under way goes on');
});

test('a disk with less than the reserve is short of room until it has more again', async (t) => {
  const dir = await tempDir(t);
  const clock = new SimClock();
  const { totalBytes } = await readRoom(dir);
  const reserve = { reserveBytes: 2 * totalBytes };
  const room = new DiskRoom({ dir, clock, log, ...reserve });
  await room.look();
  t.is(room.shortage?.code, 'HF_DISK_FULL');
  t.regex(room.shortage?.why ?? '', /are free, of .+ that are kept for open runs/);
  t.is(clock.pending, 1, 'it looks again by itself');
  room.close();
  t.is(clock.pending, 0);

  const roomy = new DiskRoom({ dir, clock, log, reserveBytes: 0 });
  await roomy.look();
  t.is(roomy.shortage, undefined);
  t.is(clock.pending, 0, 'an idle agent is not woken');
});

test('a disk that hovers at the reserve does not change its mind each second', (t) => {
  const MIB = 1024 * 1024;
  const room = { totalBytes: 1_000 * MIB, freeFiles: 500, totalFiles: 1_000 };
  const isShort = (freeBytes: number, wasShort: boolean, freeFiles = 500): boolean =>
    shortageOf({ ...room, freeBytes, freeFiles }, { reserveBytes: 64 * MIB, wasShort }) !==
    undefined;

  t.deepEqual([isShort(64 * MIB, false), isShort(63 * MIB, false)], [false, true]);
  t.deepEqual([isShort(71 * MIB, true), isShort(72 * MIB, true)], [true, false]);
  t.deepEqual([isShort(99 * MIB, false, 62), isShort(99 * MIB, false, 63)], [true, false]);
  const noLimit = { ...room, freeBytes: 99 * MIB, freeFiles: 0, totalFiles: 0 };
  t.is(shortageOf(noLimit, { reserveBytes: MIB, wasShort: false }), undefined);
});

test('where room becomes scarce a ballast is put aside, and its room can be had', async (t) => {
  const dir = await tempDir(t);
  const { freeBytes } = await readRoom(dir);
  const scarce = { reserveBytes: Math.floor(0.75 * freeBytes) };
  const room = new DiskRoom({ dir, clock: new SimClock(), log, ...scarce });
  const size = () => stat(join(dir, 'ballast')).then(({ size: bytes }) => bytes, codeOf);

  await new DiskRoom({ dir, clock: new SimClock(), log }).look();
  t.is(await size(), undefined, 'a disk with room enough needs none');
  await room.look();
  t.is(await size(), 8 * 1024 * 1024);
  t.is(room.shortage, undefined);
  await dropBallast(dir);
  t.is(await size(), undefined);
});

test('what is read while the store is opened anew is read, and is no damage', async (t) => {
  const dir = join(await tempDir(t), 'store');
  const put = (n: number) => ({ kind: 'put', key: Uint8Array.of(n), value: Uint8Array.of(n) });
  const store = await createStore(
    dir,
    Array.from({ length: 200 }, (_, n) => put(n) as StoreOp),
  );
  t.teardown(() => store.close());
  const all = { from: Uint8Array.of(0), to: Uint8Array.of(255), limit: 1_000 };
  for (let round = 0; round < 20; round += 1) {
    const gone = new Set<unknown>();
    const walks = Array.from({ length: 20 }, () =>
      store.each(all, () => undefined).catch((error: unknown) => gone.add(codeOf(error))),
    );
    const scans = Array.from({ length: 20 }, () => store.scan(all));
    const gets = Array.from({ length: 20 }, () => store.get(Uint8Array.of(round)));
    await store.reopen(() => Promise.resolve());
    for (const rows of await Promise.all(scans)) t.is(rows.length, 200);
    for (const value of await Promise.all(gets)) t.deepEqual(value, Uint8Array.of(round));
    await Promise.all(walks);
    gone.delete('HF_JOURNAL_FAILED');
    t.deepEqual([...gone], [], 'a walk is of one moment: it is to be begun again');
  }
});

test('what is no setting, or has no such value, is found before the store is opened', async (t) => {
  const dataDir = join(await tempDir(t), 'data');
  const options = { dataDir, device: 'd-1', workflows: [] };
  const slips: readonly object[] = [
    { retentoin: '7d' },
    { journalMaxBytes: 10 },
    { journalMaxBytes: '1G' },
    { retentionBytes: -1 },
    { diskReserveBytes: Number.NaN },
  ];
  for (const slip of slips) {
    const error = await t.throwsAsync(Agent.open({ ...options, ...slip }));
    t.is(codeOf(error), 'HF_CONFIG_INVALID', JSON.stringify(slip));
    t.regex(error.message, new RegExp(Object.keys(slip).join('')));
  }
  t.is(await stat(dataDir).catch(codeOf), undefined, 'nothing was made');
});

test('what is too large for an entry is refused at the call, before it happens', async (t) => {
  const dataDir = await tempDir(t);
  let begun = 0;
  const keep = workflow('keep', async (ctx, given: string) => {
    begun += 1;
    await ctx.waitFor('go');
    return given;
  });
  const agent = await Agent.open({ dataDir, device: 'd-1', workflows: [keep] });
  t.teardown(() => agent.close());
  const waits = await agent.start(keep, '', { id: 'waits' });
  await waits.status();
  const facts = async () => {
    const { journal, backlog } = await agent.status();
    return {
      used: journal.usedBytes,
      backlog,
      runs: (await agent.runs({ all: true })).runs.length,
    };
  };
  const before = await facts();
  const [large, urgent] = ['x'.repeat(9 * 1024 * 1024), 'x'.repeat(60_000)];
  const calls: Record<string, () => Promise<unknown>> = {
    'an event': () => agent.emit('e', large),
    'an urgent event': () => agent.emit('e', urgent, { lane: 'urgent' }),
    'an event about somebody': () => agent.emit('e', urgent, { subject: 'ada' }),
    'the input of a run': () => agent.start(keep, large, { id: 'large' }),
    'the input of a run about somebody': () => agent.start(keep, urgent, { subject: 'ada' }),
    'a signal': () => waits.signal('go', large),
  };

  for (const [name, call] of Object.entries(calls)) {
    t.is(await call().catch(codeOf), 'HF_VALUE_TOO_LARGE', name);
  }

  t.deepEqual(await facts(), before);
  t.is(begun, 1);
});

test('ends that were not in order count in a row, and only within one boot', async (t) => {
  const dir = await tempDir(t);
  t.is(await uncleanEnds(dir, 'a'), 0);
  await noteUnclean(dir, 'a', 1);
  await noteUnclean(dir, 'a', 2);

  t.is(await uncleanEnds(dir, 'a'), 2);
  t.is(await uncleanEnds(dir, 'b'), 0, 'the machine was switched off meanwhile');
  await noteClosed(dir);
  t.is(await uncleanEnds(dir, 'a'), 0);
});
