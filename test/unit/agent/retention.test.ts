import test from 'ava';
import { workflow } from '@holdfast/agent/internal';
import { encodeValue } from '@holdfast/protocol';
import { SimDevice } from '../../support/sim-device.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const quick = workflow('quick', (ctx) => ctx.step('once', () => 1));

/** A run that has ended, and a fact behind it: the last entry of a lane is never deleted. */
async function end(device: SimDevice, id: string): Promise<void> {
  await device.begin(quick, undefined, id);
  await device.runtime.emit({ name: 'note', payload: encodeValue(id), lane: 'normal' });
}

test('what comes of age is deleted though nothing else happens', async (t) => {
  const device = new SimDevice();
  await device.start(quick);
  const retention = device.retention({ keepMs: 30 * MINUTE, hasLedger: true });
  retention.start();
  await end(device, 'old');

  await device.advance(HOUR);
  t.is((await device.inspector.run('old')).state, 'completed', 'the ledger lacks it');
  await device.acknowledge();
  await device.advance(2 * MINUTE);
  await t.throwsAsync(device.inspector.run('old'), { code: 'HF_RUN_UNKNOWN' });

  await end(device, 'young');
  await device.acknowledge();
  await device.advance(29 * MINUTE);
  t.is((await device.inspector.run('young')).state, 'completed');
  await device.advance(2 * MINUTE);
  await t.throwsAsync(device.inspector.run('young'), { code: 'HF_RUN_UNKNOWN' });
  retention.close();
});

test('a device at which nothing happens is not woken to look for what is old', async (t) => {
  const device = new SimDevice();
  await device.start(quick);
  const before = device.clock.pending;
  const retention = device.retention({ keepMs: 30 * MINUTE, hasLedger: true });
  retention.start();

  await device.advance(2 * MINUTE);
  t.is(device.clock.pending, before, 'there is nothing that could become old');

  await end(device, 'one');
  await device.acknowledge();
  await device.advance(2 * MINUTE);
  t.is(device.clock.pending, before + 1);
  await device.advance(HOUR);
  t.is(device.clock.pending, before, 'what was old is gone');
  retention.close();
});
