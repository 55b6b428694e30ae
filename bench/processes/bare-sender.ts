// bare-sender PORT COUNT BYTES: sends so many values in blocks of 256, eight on their way, and
// says how long it took until all were answered.
import { randomBytes } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { argument, say } from './say.ts';

const BLOCK = 256;
const WINDOW = 8;
const [port, count, bytes] = [0, 1, 2].map((index) => Number(argument(index)));
const blocks = Math.ceil((count ?? 0) / BLOCK);
const payload = randomBytes(BLOCK * (bytes ?? 0));

const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, keepalive: 0 });
await client.subscribeAsync('bare/down');
const startedAt = performance.now();
let sent = 0;
let answered = 0;
const send = (): void => {
  if (sent >= blocks) return;
  sent += 1;
  client.publish('bare/up', payload, { qos: 1 });
};
await new Promise<void>((done) => {
  client.on('message', () => {
    answered += 1;
    if (answered === blocks) done();
    else send();
  });
  for (let index = 0; index < WINDOW; index += 1) send();
});
say({ ms: performance.now() - startedAt });
await client.endAsync();
