// bare-idle STORE_DIR MQTT_URL [SECONDS]: Node with an open LevelDB and an MQTT connection that is
// kept alive this often, and nothing to do.
import { Level } from 'level';
import { connectAsync } from 'mqtt';
import { argument, say } from './say.ts';

const db = new Level(argument(0));
await db.open();
const clientId = 'hf-bench-bare';
const keepalive = Number(argument(2)) || 60;
const client = await connectAsync(argument(1), { protocolVersion: 4, clientId, keepalive });
say({ isConnected: client.connected });
process.on('SIGTERM', () => process.exit(0));
