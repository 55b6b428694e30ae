import { Gateway } from '@holdfast/gateway';

/**
 * A gateway that, once told to, is killed at the worst moment there is: when the entries of a batch
 * are durable in its ledger and the device has not been told.
 *
 * Arguments: data directory, URL of the inventory service.
 */
const [dataDir = '', handlerUrl = ''] = process.argv.slice(2);
let isArmed = false;

process.on('message', (message) => {
  if (message === 'arm') isArmed = true;
});
process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)));

const gateway = await Gateway.open({
  dataDir,
  mqttPort: 0,
  httpPort: 0,
  endpoints: new Map([['inventory.update', handlerUrl]]),
  point(name) {
    if (isArmed && name === 'ledger:committed') process.kill(process.pid, 'SIGKILL');
  },
});
const { mqttUrl: mqtt, httpUrl: http, tokenFile } = gateway;
console.log(JSON.stringify({ mqtt, http, tokenFile, pid: process.pid }));
