import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { until } from '@holdfast/device-sim';
import { doctor, names } from '../support/doctor-told.ts';
import { runGateway } from '../support/gateway-process.ts';
import { DEVICE, openWorld } from '../support/lives.ts';

/* Those that mostly wait do so at once; the others come first, one by one. */

test.serial(
  'S58 an old image that is put back goes on in a new epoch, and both lives are there',
  async (t) => {
    t.timeout(120_000);
    const { root, gateway, device } = await openWorld(t);
    const pump = device('pump');
    await pump.start();
    await pump.begin('errand', { waits: true }, 'waiting');
    await pump.state('waiting', 'waiting-signal');
    await pump.emit('early');
    await pump.synced(1);
    await pump.stop();
    const image = join(root, 'image');
    await pump.copyTo(image);
    await pump.start();
    await pump.begin('errand', { waits: false }, 'lost');
    await pump.output('lost');
    await pump.emit('lost-1', 'lost-2');
    await pump.synced(1);
    await pump.stop();

    await pump.putBack(image);
    await pump.start();
    await pump.emit('late');
    await pump.synced(2);
    await pump.client.signal({ run: 'waiting', name: 'go', payload: null });
    t.deepEqual(await pump.output('waiting'), ['first', 'second']);
    await pump.synced(2);

    t.deepEqual(await gateway.events(1), ['early', 'lost-1', 'lost-2']);
    t.deepEqual(await gateway.events(2), ['late']);
    t.deepEqual(await gateway.verify(), []);
    const { state, epochs, refusal } = await gateway.device();
    t.is(state, 'synced');
    t.like(epochs, { length: 2, 0: { epoch: 2, cause: 'rewound', oldEpoch: 1 }, 1: { epoch: 1 } });
    t.is(refusal?.code, 'HF_JOURNAL_REWOUND');
    const began = (await gateway.entries(2)).find(({ kind }) => kind === 'epoch.began');
    t.like(began, { lane: 'urgent', oldEpoch: 1, cause: 'rewound', entriesLost: 0 });
    t.deepEqual(await pump.problems(), ['HF_JOURNAL_REWOUND']);
    const { problems } = await gateway.get<{ problems: { code: string }[] }>('devices');
    t.deepEqual(
      problems.map(({ code }) => code),
      ['HF_JOURNAL_REWOUND'],
    );
    t.is(readdirSync(pump.dir).filter((name) => name.startsWith('store.bad-')).length, 1);
    const bodies = (await pump.ran()).map((line) => line.split(' ')[0]);
    t.deepEqual(bodies, ['first', 'first', 'second', 'second'], 'no step ran twice');
  },
);

test(
  'S57 S33 a copy on another machine is kept out while the first is there, and never merged',
  async (t) => {
    t.timeout(240_000);
    const { gateway, device } = await openWorld(t);
    const pump = device('pump', 'board-1');
    await pump.start();
    await pump.begin('errand', { waits: true }, 'waiting');
    await pump.state('waiting', 'waiting-signal');
    await pump.synced(1);
    await pump.stop();
    const clone = device('clone', 'board-2');
    await pump.copyTo(clone.dir);
    await pump.start();
    await pump.emit('pump-1');
    await pump.synced(1);

    await clone.start();
    const { link } = await until('the copy to be kept out', async () => {
      const status = await clone.client.status();
      return status.link.state === 'stuck' && status;
    });
    await clone.emit('clone-1');
    await pump.emit('pump-2');
    await pump.synced(1);

    t.is(link.problem?.code, 'HF_IDENTITY_CONFLICT');
    t.is((await clone.client.status()).epoch, 2);
    t.deepEqual(await clone.problems(), ['HF_IDENTITY_CONFLICT', 'HF_MACHINE_CHANGED']);
    const told = { check: 'uplink', text: /two|Two/, code: 'HF_IDENTITY_CONFLICT' };
    names(t, await doctor(['--data-dir', clone.dir]), { ...told, hint: /another device id/ });
    t.is((await gateway.device()).state, 'conflict');
    t.deepEqual(await gateway.events(1), ['pump-1', 'pump-2']);

    await pump.stop();
    await gateway.silence();
    await clone.letIn();
    await clone.stop();
    await gateway.silence();
    await pump.start();
    await pump.emit('pump-3');
    await pump.letIn();

    t.deepEqual(await gateway.events(1), ['pump-1', 'pump-2']);
    t.deepEqual(await gateway.events(2), ['clone-1']);
    t.deepEqual(await gateway.events(3), ['pump-3']);
    const { epochs } = await gateway.device();
    t.deepEqual(
      epochs.map(({ epoch, cause, oldEpoch }) => [epoch, cause, oldEpoch]),
      [
        [3, 'rewound', 1],
        [2, 'moved', 1],
        [1, null, null],
      ],
    );
    t.is(new Set(epochs.map(({ machine }) => machine)).size, 2);
    t.deepEqual(await gateway.verify(), []);
  },
);

test('S57 two copies of an old image choose epochs of their own', async (t) => {
  t.timeout(240_000);
  const { root, gateway, device } = await openWorld(t);
  const pump = device('pump', 'board-1');
  await pump.start();
  await pump.emit('early');
  await pump.synced(1);
  await pump.stop();
  const image = join(root, 'image');
  await pump.copyTo(image);
  await pump.start();
  await pump.emit('lost');
  await pump.synced(1);
  await pump.stop();

  const copies = [device('copy-1', 'board-1'), device('copy-2', 'board-2')];
  for (const [index, copy] of copies.entries()) {
    await copy.putBack(image);
    await gateway.silence();
    await copy.start();
    await copy.emit(`copy-${index + 1}`);
    await copy.letIn();
    await copy.stop();
  }

  t.deepEqual(await gateway.events(1), ['early', 'lost']);
  t.deepEqual(await gateway.events(2), ['copy-1']);
  t.deepEqual(await gateway.events(3), ['copy-2']);
  t.deepEqual(await gateway.verify(), []);
});

test('a data directory that a person has moved goes on in its epoch', async (t) => {
  const { gateway, device } = await openWorld(t);
  const pump = device('pump', 'board-1');
  await pump.start();
  await pump.emit('before');
  await pump.synced(1);
  await pump.stop();
  const moved = device('moved', 'board-2');
  await pump.copyTo(moved.dir);

  await gateway.silence();
  await moved.start('--moved');
  await moved.letIn();
  await moved.stop();
  await moved.start();
  await moved.emit('after');
  await moved.synced(1);

  t.deepEqual(await gateway.events(1), ['before', 'after']);
  t.deepEqual(await moved.problems(), []);
});

test.serial(
  'S59 a ledger that is set back is filled again, in its epoch, from what retention keeps',
  async (t) => {
    t.timeout(120_000);
    const { root, gateway, device } = await openWorld(t);
    const pump = device('pump');
    await pump.start();
    await pump.begin('errand', { waits: true }, 'waiting');
    await pump.emit('early');
    await pump.synced(1);
    await gateway.stop();
    const backup = join(root, 'backup');
    await gateway.copyTo(backup);
    await gateway.start();
    await pump.begin('errand', { waits: false }, 'later');
    await pump.output('later');
    await pump.emit('late-1', 'late-2');
    await pump.synced(1);
    const before = await gateway.entries(1);
    await gateway.stop();

    await gateway.putBack(backup);
    const of = ['--device', DEVICE, '--data-dir', gateway.dir, '-o', 'json'];
    const { stdout } = await runGateway('ledger', 'entries', ...of);
    t.true((JSON.parse(stdout) as { entries: unknown[] }).entries.length < before.length);
    await gateway.start();
    await until(
      'the ledger to be filled',
      async () => {
        return (await gateway.entries(1)).length === before.length;
      },
      60_000,
    );
    await pump.emit('after');
    await pump.synced(1);

    const fields = (all: typeof before) => all.map((each) => ({ ...each, receivedAt: '' }));
    const now = (await gateway.entries(1)).filter(({ name }) => name !== 'after');
    t.deepEqual(fields(now), fields(before));
    t.deepEqual(await gateway.verify(), []);
    t.is((await gateway.device()).epochs.length, 1);
    t.deepEqual(await pump.problems(), []);
  },
);

test('S59 a ledger that is set back is told of what the device has trimmed', async (t) => {
  t.timeout(120_000);
  const { root, gateway, device } = await openWorld(t);
  const pump = device('pump');
  await pump.start('--journal-max-bytes', '1MiB');
  await pump.emit('early');
  await pump.synced(1);
  await gateway.stop();
  const backup = join(root, 'backup');
  await gateway.copyTo(backup);
  await gateway.start();
  // More than the budget holds: what is acknowledged goes, the oldest first.
  const large = { payload: 'x'.repeat(50_000), lane: 'normal' } as const;
  const first = async (): Promise<number> => {
    const { rows } = await pump.client.journal({ lane: 'normal', after: 0, limit: 1 });
    return rows[0]?.seq ?? 0;
  };
  let count = 1;
  while ((await first()) === 1) {
    count += 1;
    await pump.client.emit({ name: `large-${count}`, ...large });
    await pump.synced(1);
  }
  const kept = await first();
  await gateway.stop();

  await gateway.putBack(backup);
  await gateway.start();
  await until('the ledger to be filled', async () => {
    const { lanes } = await gateway.device();
    return lanes.find(({ lane }) => lane === 'normal')?.watermark === count;
  });
  await pump.emit('after');
  await pump.synced(1);

  const [hole, ...others] = await gateway.holes(1);
  t.like(hole, { lane: 'normal', seqFirst: 2, seqLast: kept - 1, reason: 'trimmed' });
  t.deepEqual(others, []);
  const numbers = Array.from({ length: count - kept + 1 }, (_, n) => kept + n);
  const rest = numbers.map((n) => `large-${n}`);
  t.deepEqual(await gateway.events(1), ['early', ...rest, 'after']);
  t.deepEqual(await gateway.verify(), []);
  t.is((await gateway.device()).epochs.length, 1);
  t.deepEqual(await pump.problems(), []);
});

test(
  'S59 a ledger that is set back and gives a number twice loses no result of a call',
  async (t) => {
    t.timeout(120_000);
    const { root, gateway, device } = await openWorld(t);
    const pump = device('pump');
    await pump.start();
    await pump.begin('question', 'slow', 'slow');
    await pump.state('slow', 'waiting-call');
    await pump.synced(1);
    await gateway.stop();
    const backup = join(root, 'backup');
    await gateway.copyTo(backup);
    await gateway.start();
    await gateway.open('quick');
    await pump.begin('question', 'quick', 'quick');
    t.is(await pump.output('quick'), 'answer to quick');
    await pump.synced(1);
    await pump.stop();
    await gateway.stop();

    await gateway.putBack(backup);
    await gateway.open('slow');
    await gateway.start();
    // What the device knows as the answer to the other question has this number.
    await until('a command to be issued', async () => (await gateway.device()).lastCommand === 1);
    await pump.start();

    t.is(await pump.output('slow'), 'answer to slow');
    t.is(await pump.output('quick'), 'answer to quick');
    await pump.synced(1);
    t.is((await gateway.device()).lastCommand, 2);
    t.deepEqual(await gateway.verify(), []);
  },
);

test.serial(
  'S60 a device that was made anew is let in once a person accepts its key',
  async (t) => {
    t.timeout(180_000);
    const { root, gateway, device } = await openWorld(t);
    const pump = device('pump');
    await pump.start();
    await pump.begin('question', 'old', 'old');
    await pump.state('old', 'waiting-call');
    await pump.emit('before');
    await pump.synced(1);
    const oldKey = (await pump.client.status()).key ?? '';
    await pump.stop();
    const image = join(root, 'image');
    await pump.copyTo(image);
    // The answer waits for a device that will not know the question.
    await gateway.open('old');
    await until('the answer', async () => (await gateway.device()).lastCommand === 1);

    await rm(pump.dir, { recursive: true });
    await pump.start();
    await pump.emit('after');
    await until('the new key to be refused', async () => {
      return (await pump.client.status()).link.state === 'stuck';
    });
    t.deepEqual(await pump.problems(), ['HF_SIGNATURE_INVALID']);
    const newKey = (await pump.client.status()).key ?? '';
    t.true((await gateway.device()).refusal?.why.includes(newKey));
    const of = ['--data-dir', gateway.dir];
    t.is((await runGateway('rekey', DEVICE, '--key', 'another', ...of)).code, 1);
    const accepted = await runGateway('rekey', DEVICE, '--key', newKey, ...of);
    t.is(accepted.code, 0, accepted.stderr);
    await pump.client.nudge();
    await pump.synced(2);

    t.deepEqual(await gateway.events(1), ['before']);
    t.deepEqual(await gateway.events(2), ['after']);
    const receipts = (await gateway.entries(2)).filter(({ kind }) => kind === 'command.receipt');
    t.like(receipts, { length: 1, 0: { command: 1, outcome: 'rejected' } });
    t.deepEqual((await pump.client.runs({ all: true, limit: 10 })).runs, []);
    await pump.stop();

    await pump.putBack(image);
    await pump.start();
    await until('the old key to be refused', async () => {
      return (await pump.client.status()).link.problem?.code === 'HF_SIGNATURE_INVALID';
    });
    const { keys } = await gateway.device();
    t.deepEqual(
      keys.map(({ key, acceptedAt, revokedAt }) => [key, acceptedAt !== null, revokedAt !== null]),
      [
        [oldKey, false, true],
        [newKey, true, false],
      ],
    );
    t.deepEqual(await gateway.events(2), ['after']);
    t.deepEqual(await gateway.verify(), []);
  },
);
