// backlog DATA_DIR EVENTS RUNS [PAYLOAD_BYTES]: adds to a backlog so many events, of 1 KiB by
// default, and so many runs that have ended, of ten entries each. Says how far it is, then `all`.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { Journal, openStore, sha256, systemClock } from '@holdfast/agent/internal';
import { encodeValue } from '@holdfast/protocol';
import { argument, say } from './say.ts';

/** With the rest of the entry and its row, 1 KiB: chance, so that nothing of it is squeezed. */
const PAYLOAD_BYTES = 880;
const STEPS = 8;
const EVENTS_A_COMMIT = 1_000;
const TOLD_EVERY = 500_000;
const RUNS_AT_ONCE = 64;
const [dataDir, events, runs] = [argument(0), Number(argument(1)), Number(argument(2))];
const payloadBytes = Number(argument(3)) || PAYLOAD_BYTES;

const payload = (): Uint8Array => new Uint8Array(randomBytes(payloadBytes));
const work = workflow('work', async (ctx) => {
  for (let step = 0; step < STEPS; step += 1) await ctx.step('weigh', payload);
});

const device = 'bench-1';
const journalMaxBytes = 64 * 2 ** 30;
const agent = await Agent.open({ dataDir, device, workflows: [work], journalMaxBytes });
for (let begun = 0; begun < runs; begun += RUNS_AT_ONCE) {
  const some = Array.from({ length: Math.min(RUNS_AT_ONCE, runs - begun) });
  await Promise.all(some.map(async () => (await agent.start(work, undefined)).result()));
}
const { epoch } = await agent.status();
await agent.close();

// By way of the journal alone, a thousand in a commit: it is as if they had been emitted.
const store = await openStore(join(dataDir, 'store'));
const place = { device, epoch, boot: 1, clock: systemClock, sha256, store };
const journal = await Journal.open(place);
// More of them than a block has, which is what LevelDB squeezes.
const drafts = Array.from({ length: Math.min(EVENTS_A_COMMIT, events) }, () => ({
  lane: 'bulk' as const,
  body: {
    kind: 'event.emitted' as const,
    ...{ run: '', n: 0, op: 0, name: 'reading', payload: encodeValue(payload()) },
  },
}));
for (let made = 0; made < events; made += EVENTS_A_COMMIT) {
  if (made > 0 && made % TOLD_EVERY === 0) say({ events: made });
  await journal.append(drafts.slice(0, events - made));
}
await store.close();
say({ all: events + runs * (STEPS + 2) });
