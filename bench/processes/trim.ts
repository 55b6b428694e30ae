// trim DATA_DIR RETENTION_BYTES FILE_BYTES: the ledger has all of a backlog; an agent starts on it
// and trims it, until its files take no more than so many bytes, while an event is emitted every
// 10 ms.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from '@holdfast/agent';
import { Journal, openStore, sha256, systemClock } from '@holdfast/agent/internal';
import { lanes } from '@holdfast/protocol';
import { argument, say } from './say.ts';

const [dataDir, retentionBytes, fileBytes] = [
  argument(0),
  Number(argument(1)),
  Number(argument(2)),
];
const device = 'bench-1';
const LOOK_MS = 250;
const EMIT_MS = 10;
/** Nobody listens there. */
const gateway = 'mqtt://127.0.0.1:1';

// By way of the journal alone: it is as if a gateway had said so.
const store = await openStore(join(dataDir, 'store'));
const opened = { device, epoch: 1, boot: 1, clock: systemClock, sha256, store };
const journal = await Journal.open(opened);
for (const [index, { head, headHash }] of journal.positions().entries()) {
  await journal.acknowledge(lanes[index] ?? 'normal', head, headHash);
}
await journal.flush();
await store.close();

const options = { retentionBytes, journalMaxBytes: 4 * 2 ** 30, gateway };
const agent = await Agent.open({ dataDir, workflows: [], ...options });
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
const ROWS_BYTES = 80;
const look = async () => {
  const { journal: now, backlog } = await agent.status();
  // What is emitted meanwhile nobody takes: it is not what is to go.
  const emitted = backlog.bytes + ROWS_BYTES * backlog.pending;
  return { kept: now.usedBytes - emitted, files: (now.fileBytes ?? 0) - 3 * emitted };
};
const before = await look();
const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];

const waits: number[] = [];
const done = new AbortController();
const emitting = (async () => {
  while (!done.signal.aborted) {
    const emittedAt = performance.now();
    await agent.emit('reading', null);
    waits.push(performance.now() - emittedAt);
    await pause(EMIT_MS);
  }
})();

let after = before;
while (after.kept > retentionBytes || after.files > fileBytes) {
  await pause(LOOK_MS);
  after = await look();
}
const [ms, cpu] = [performance.now() - startedAt, process.cpuUsage(cpuBefore)];
done.abort();
await emitting;
await agent.close();
waits.sort((a, b) => a - b);
const part = (of: number): number => waits[Math.floor(of * (waits.length - 1))] ?? 0;
say({
  ...{ ms, cpuMs: (cpu.user + cpu.system) / 1_000 },
  ...{ before: before.files, after: after.files },
  ...{ appendMs: part(0.5), appendMs99: part(0.99), appendMsMax: part(1) },
  loopMs99: loop.percentile(99) / 1e6,
});
