import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { verifyJournal } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { openLevelLedger, sha256 } from '@holdfast/gateway/internal';
import { codeOf } from '@holdfast/protocol';
import test from 'ava';
import { tempDir } from '../support/temp-dir.ts';

/** Nobody listens there: what is journaled is for a ledger that cannot be reached. */
const nobody = 'mqtt://127.0.0.1:1';
const MIB = 1024 * 1024;

/** A measurement that is refused, since they come faster than older ones are shed, comes again. */
async function emitted(agent: Agent, payload: string): Promise<void> {
  for (;;) {
    const code = await agent.emit('m', payload, { lane: 'bulk' }).then(() => 'taken', codeOf);
    if (code === 'taken') return;
    if (code !== 'HF_JOURNAL_FULL') throw new Error(`refused with ${String(code)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * What it says once it sheds no more: of a budget of 1 MiB, a sixteenth twice below the end.
 * Nothing tells of the end of shedding, so it is asked until two answers are the same.
 */
async function settled(agent: Agent) {
  let before = await agent.status();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await agent.status();
    const isSame = after.backlog.holes.entries === before.backlog.holes.entries;
    if (isSame && after.journal.usedBytes < (14 / 16) * MIB) return after;
    before = after;
  }
}

test('what a full journal sheds arrives in the ledger as a hole, counted', async (t) => {
  const dir = await tempDir(t);
  const gateway = await Gateway.open({ dataDir: join(dir, 'gateway'), mqttPort: 0 });
  t.teardown(() => gateway.close());
  const common = { dataDir: join(dir, 'device'), device: 'd1', workflows: [] };
  const budget = { journalMaxBytes: 1024 * 1024 };

  const offline = await Agent.open({ ...common, ...budget, gateway: nobody });
  const payload = 'x'.repeat(2_000);
  for (let index = 0; index < 20; index += 1) {
    for (let event = 0; event < 50; event += 1) await emitted(offline, payload);
  }
  const told = await settled(offline);
  await offline.close();
  const { holes, pending } = told.backlog;
  t.is(holes.entries + pending, 1_000);
  t.true(holes.entries > 400);
  t.true(told.journal.usedBytes < 1024 * 1024);
  t.true((told.journal.fileBytes ?? 0) > 0);

  const online = await Agent.open({ ...common, ...budget, gateway: gateway.mqttUrl });
  await online.synced({ timeout: '60s' });
  const drained = await online.status();
  await online.close();
  await gateway.close();

  t.deepEqual(drained.backlog.holes, { count: 0, entries: 0, bytes: 0 });
  t.is(drained.backlog.pending, 0);
  t.true((await verifyJournal(common.dataDir)).whole);
  const ledger = await openLevelLedger(join(dir, 'gateway', 'ledger'), { sha256, isNew: false });
  t.teardown(() => ledger.close());
  const report = await ledger.verify();
  t.deepEqual(report.faults, []);
  t.is(report.holes.entries, holes.entries);
  t.is(report.entries + report.holes.entries, 1_000);
  t.is((await ledger.device('d1'))?.lanes[2].watermark, 1_000);
  const declared = { device: 'd1', lane: 'bulk', after: 0, limit: 10 } as const;
  const reasons = (await ledger.holes(declared)).map(({ reason }) => reason);
  t.deepEqual(reasons, ['shed']);
});

/** What is kept, as much of what was deleted, and LevelDB's own notes. */
const LEFT_MAX = 2.25 * MIB;

test('once the ledger has a backlog, the files of the store shrink', async (t) => {
  const dir = await tempDir(t);
  const gateway = await Gateway.open({ dataDir: join(dir, 'gateway'), mqttPort: 0 });
  t.teardown(() => gateway.close());
  const common = { dataDir: join(dir, 'device'), device: 'd1', workflows: [] };
  const offline = await Agent.open({ ...common, gateway: nobody });
  for (let index = 0; index < 12; index += 1) {
    // Chance, which nothing squeezes: 48 KB each.
    const payloads = Array.from({ length: 20 }, () => new Uint8Array(randomBytes(48_000)));
    await Promise.all(payloads.map((payload) => offline.emit('m', payload)));
  }
  const before = (await offline.status()).journal;
  await offline.close();
  t.true((before.fileBytes ?? 0) > 11_000_000);

  const online = await Agent.open({ ...common, retentionBytes: MIB, gateway: gateway.mqttUrl });
  await online.synced({ timeout: '60s' });
  await until('its files to shrink', async () => {
    const { fileBytes, usedBytes } = (await online.status()).journal;
    return (fileBytes ?? 0) < LEFT_MAX && usedBytes < MIB;
  });
  await online.close();

  t.true((await verifyJournal(common.dataDir)).whole);
});

test('a full journal refuses new work, in words that say what to do', async (t) => {
  const dataDir = await tempDir(t);
  const agent = await Agent.open({
    ...{ dataDir, device: 'd1', workflows: [], journalMaxBytes: 1024 * 1024, gateway: nobody },
  });
  t.teardown(() => agent.close());
  const payload = 'x'.repeat(20_000);
  const codes = new Set<unknown>();
  for (let index = 0; index < 100; index += 1) {
    codes.add(await agent.emit('fact', payload).then(() => 'taken', codeOf));
  }

  t.deepEqual([...codes], ['taken', 'HF_JOURNAL_FULL']);
  const { journal, backlog, problems } = await agent.status();
  t.is(journal.state, 'full');
  t.deepEqual(
    problems.map(({ code }) => code),
    ['HF_JOURNAL_FULL'],
  );
  t.is(backlog.holes.entries, 0, 'what is not a measurement is never shed');
});
