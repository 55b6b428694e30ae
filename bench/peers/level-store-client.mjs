// level-store-client STORE PORT COUNT: a client of mqtt.js that keeps what it cannot send in
// LevelDB. Publishes so many readings while there is no broker, says so, and goes on connecting.
import mqtt from 'mqtt';
import levelStore from 'mqtt-level-store';
import { reading } from './reading.mjs';

const [, , path, port, count] = process.argv;
const { incoming: incomingStore, outgoing: outgoingStore } = levelStore(path);
const client = mqtt.connect({
  ...{ host: '127.0.0.1', port: Number(port), clientId: 'sender', clean: false },
  ...{ reconnectPeriod: 500, incomingStore, outgoingStore },
});
client.on('error', () => undefined);
for (let index = 0; index < Number(count); index += 1) {
  client.publish('readings', reading(index), { qos: 1 });
}
setTimeout(() => process.stdout.write('published\n'), 2_000);
