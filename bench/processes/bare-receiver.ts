// bare-receiver STORE_DIR: an MQTT broker that puts each message into LevelDB, synced, and then
// answers. Not a ledger: nothing is checked, hashed or told apart.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import { Level } from 'level';
import { argument, say } from './say.ts';

const db = new Level<Uint8Array, Uint8Array>(argument(0), {
  keyEncoding: 'view',
  valueEncoding: 'view',
});
await db.open();
const aedes = await Aedes.createBroker();
let received = 0;

async function store(payload: Uint8Array): Promise<void> {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setUint32(4, received++);
  await db.put(key, payload, { sync: true });
  const answer = { topic: 'bare/down', payload: Buffer.alloc(8), qos: 0, retain: false } as const;
  aedes.publish({ ...answer, cmd: 'publish', dup: false }, () => {});
}

aedes.subscribe(
  'bare/up',
  (packet, done) => {
    done();
    // What is published to this topic are the sender's bytes.
    void store(packet.payload as Buffer);
  },
  () => {},
);
const server = createServer({ noDelay: true }, (socket) => void aedes.handle(socket));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
// It listens at a port of TCP, so its address has one.
say({ port: (server.address() as AddressInfo).port });
process.on('SIGTERM', () => process.exit(0));
