// bare-open STORE_DIR: opens a LevelDB, reads all of it, and says how many rows there were.
import { Level } from 'level';
import { argument, say } from './say.ts';

const db = new Level<Uint8Array, Uint8Array>(argument(0), {
  keyEncoding: 'view',
  valueEncoding: 'view',
});
await db.open();
say({ rows: (await db.iterator().all()).length });
await db.close();
