// bare-trim STORE_DIR: reads and deletes all that is in a LevelDB, half a MiB a synced batch, and
// compacts it.
import { Level } from 'level';
import { argument, say } from './say.ts';

const BATCH_BYTES = 512 * 1_024;
const ROWS = 1_024;

const views = { keyEncoding: 'view', valueEncoding: 'view' } as const;
const db = new Level<Uint8Array, Uint8Array>(argument(0), views);
await db.open();
const startedAt = performance.now();
const rows = db.iterator({ highWaterMarkBytes: BATCH_BYTES });
for (let some = await rows.nextv(ROWS); some.length > 0; some = await rows.nextv(ROWS)) {
  const batch = db.batch();
  for (const [key] of some) batch.del(key);
  await batch.write({ sync: true });
}
await rows.close();
// In Node, `Level` is ClassicLevel, which its types do not say.
const compacting = db as typeof db & {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
};
await compacting.compactRange(Uint8Array.of(0), Uint8Array.of(255));
say({ ms: performance.now() - startedAt });
await db.close();
