import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { until } from '@holdfast/device-sim';
import type { Lane } from '@holdfast/protocol';
import { runGateway } from '../support/gateway-process.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { DEVICE, openWorld, type World } from '../support/lives.ts';
import {
  TAMPERED,
  rewritten,
  tamperWithLedger,
  tamperWithStore,
  tamperings,
} from '../support/tamper.ts';

const lane: Lane = 'normal';
const chain = { device: DEVICE, epoch: 1, lane };

interface Verified {
  readonly whole: boolean;
  readonly faults: readonly { readonly lane: Lane; readonly seq: number }[];
}

/** A device and a gateway that have agreed on six entries, and are stopped. */
async function agreed(world: World) {
  const { gateway, device } = world;
  const pump = device('pump');
  await pump.start();
  for (const n of [1, 2, 3, 4, 5, 6]) await pump.emit(`event-${n}`);
  await pump.synced(1);
  await pump.stop();
  await gateway.stop();
  return pump;
}

test.serial(
  'S65 verify names what was changed, dropped, inserted or reordered on either side',
  async (t) => {
    t.timeout(240_000);
    const world = await openWorld(t);
    const { root, gateway } = world;
    const pump = await agreed(world);
    const images = { device: join(root, 'device-image'), gateway: join(root, 'gateway-image') };
    await pump.copyTo(images.device);
    await gateway.copyTo(images.gateway);

    for (const [what, tampering] of Object.entries(tamperings)) {
      await pump.putBack(images.device);
      await gateway.putBack(images.gateway);
      await tamperWithStore(pump.dir, lane, { tampering });
      await tamperWithLedger(gateway.dir, chain, { tampering });
      const own = await holdfast(['journal', 'verify', '--data-dir', pump.dir, '-o', 'json']);
      const theirs = await runGateway('ledger', 'verify', '--data-dir', gateway.dir, '-o', 'json');

      for (const [side, { code, stdout }] of Object.entries({ own, theirs })) {
        const { whole, faults } = JSON.parse(stdout) as Verified;
        t.is(code, 1, `${what} ${side}`);
        t.false(whole);
        const named = faults.some((fault) => fault.lane === lane && fault.seq === TAMPERED);
        t.true(named, `${what} ${side}: ${stdout}`);
      }
    }
    await rm(images.device, { recursive: true });
  },
);

test.serial(
  'S10 an entry that is damaged in its store is missing in the ledger, and told, in one epoch',
  async (t) => {
    t.timeout(120_000);
    const { gateway, device } = await openWorld(t);
    const pump = device('pump');
    await pump.start();
    await pump.emit('early');
    await pump.synced(1);
    await gateway.stop();
    // So many that a start does not look at all of them.
    const names = Array.from({ length: 150 }, (_, n) => `event-${n + 2}`);
    await pump.emit(...names);
    await pump.stop();
    const changed = tamperings['changed'];
    if (changed === undefined) return t.fail();
    await tamperWithStore(pump.dir, lane, { tampering: changed });

    await gateway.start();
    await pump.start();
    await pump.emit('late');
    await pump.synced(1);

    const left = names.filter((name) => name !== `event-${TAMPERED}`);
    // The first lane is the urgent one.
    t.deepEqual(await gateway.events(1), ['holdfast.damaged', 'early', ...left, 'late']);
    t.deepEqual(await pump.problems(), ['HF_ENTRY_DAMAGED']);
    const [hole, ...others] = await gateway.holes(1);
    t.like(hole, { lane, seqFirst: TAMPERED, seqLast: TAMPERED, reason: 'damaged' });
    t.deepEqual(others, []);
    t.deepEqual(await gateway.verify(), []);
    t.is((await gateway.device()).epochs.length, 1);
    await pump.stop();
    const { code, stdout } = await holdfast(['journal', 'verify', '--data-dir', pump.dir]);
    t.is(code, 0, stdout);
  },
);

/** Who rewrote their side, with every hash from the change on. */
const rewriters = {
  'the store of a device, and what it remembers of the ledger': (_: World, dir: string) =>
    tamperWithStore(dir, lane, { tampering: rewritten(chain), acked: true }),
  'the store of a device': (_: World, dir: string) =>
    tamperWithStore(dir, lane, { tampering: rewritten(chain) }),
  'the ledger of a gateway': ({ gateway }: World) =>
    tamperWithLedger(gateway.dir, chain, { tampering: rewritten(chain), position: true }),
};

for (const [what, rewrite] of Object.entries(rewriters)) {
  test.serial(`P9 who rewrites ${what} is seen on both sides`, async (t) => {
    t.timeout(120_000);
    const world = await openWorld(t);
    const { gateway } = world;
    const pump = await agreed(world);
    await rewrite(world, pump.dir);

    await gateway.start();
    await pump.start();
    await pump.synced(2);
    await pump.emit('late');
    await pump.synced(2);

    t.deepEqual(await pump.problems(), ['HF_CHAIN_BROKEN']);
    const { problems } = await until('people to be told', async () => {
      const view = await gateway.get<{ problems: { code: string }[] }>('devices');
      return view.problems.length > 0 && view;
    });
    t.deepEqual(
      problems.map(({ code }) => code),
      ['HF_CHAIN_BROKEN'],
    );
    const { epochs } = await gateway.device();
    t.like(epochs, { length: 2, 0: { epoch: 2, cause: 'forked', oldEpoch: 1 } });
    // Everything that the device has is there, whatever the ledger had agreed to.
    const events = await gateway.events(2);
    t.deepEqual(events.toSorted(), [1, 2, 3, 4, 5, 6].map((n) => `event-${n}`).concat('late'));
    t.is((await gateway.events(1)).length, 6);
  });
}
