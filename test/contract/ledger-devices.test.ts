import test from 'ava';
import { eachDevice, type DevicesSought, type Ledger } from '@holdfast/gateway/internal';
import { HandJournal, newSigner } from '../support/hand-journal.ts';
import { ledgers, skippedLedgers } from '../support/ledgers.ts';

const { publicKey } = newSigner();
const oslo = { name: 'site', value: 'oslo' };
const spare = { name: 'kind', value: 'spare' };

async function ids(ledger: Ledger, query: Partial<DevicesSought> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { device } of eachDevice(ledger, query)) found.push(device);
  return found;
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: devices are found page by page, by what they are`, async (t) => {
    const { ledger, next } = await open(t);
    const names = Array.from({ length: 12 }, (_, at) => `d-${String(at).padStart(2, '0')}`);
    for (const device of [...names, 'till-1', 'Till-2']) {
      await ledger.greet({ device, epoch: 1, publicKey, atMs: 1_000 });
    }
    const all = ['Till-2', ...names, 'till-1'];

    for (const limit of [1, 5, 14, 50]) t.deepEqual(await ids(ledger, { limit }), all);
    const { records, next: behind } = await ledger.devices({ after: 'd-03', limit: 2 });
    t.deepEqual(records.map(({ device }) => device), ['d-04', 'd-05']);
    t.like(records[0], { epoch: 1, firstSeenAtMs: 1_000, tags: [] });
    t.is(behind, 'd-05');
    t.is((await ledger.devices({ after: 'd-11', limit: 1 })).next, undefined, 'that was the last');
    t.deepEqual(await ids(ledger, { search: '-1', limit: 2 }), ['d-10', 'd-11', 'till-1']);
    t.deepEqual(await ids(ledger, { search: '%', limit: 2 }), []);
    t.is(await ledger.deviceCount(), 14);

    const tags = [oslo, spare];
    for (const device of ['d-02', 'd-07', 'till-1']) await ledger.tag({ device, tags });
    await ledger.tag({ device: 'd-05', tags: [oslo] });
    t.deepEqual(await ids(ledger, { tags: [oslo], limit: 1 }), ['d-02', 'd-05', 'd-07', 'till-1']);
    t.deepEqual(await ids(ledger, { tags, limit: 2 }), ['d-02', 'd-07', 'till-1']);
    t.deepEqual(await ids(ledger, { tags, search: 'd-', limit: 2 }), ['d-02', 'd-07']);
    await ledger.tag({ device: 'd-07', tags: [{ name: 'site', value: 'oslo ' }] });
    await ledger.greet({ device: 'd-02', epoch: 2, publicKey, atMs: 2_000 });
    t.deepEqual(await ids(ledger, { tags: [spare] }), ['d-02', 'till-1']);

    const of = await ledger.devicesOf(['d-02', 'nobody', 'till-1']);
    const epochs = new Map(of.map((each) => [each.device, [each.epoch, each.tags.length]]));
    t.deepEqual([epochs.get('d-02'), epochs.get('till-1'), epochs.size], [[2, 2], [1, 2], 2]);
    t.deepEqual(await ledger.devicesOf([]), []);
    const later = await next();
    t.is(await later.deviceCount(), 14, 'none twice, and a new life is no new device');
    await later.rebuild();
    t.deepEqual(await ids(later, { tags: [oslo] }), ['d-02', 'd-05', 'till-1']);
  });

  test(`${name}: lives that began for a cause are found by when`, async (t) => {
    const { ledger } = await open(t);
    const lives = [
      ['d1', 1_000, 'salvaged'],
      ['d2', 3_000, 'rewound'],
      ['d3', 2_000, 'restored'],
    ] as const;
    for (const [device, atMs, cause] of lives) {
      const began = { kind: 'epoch.began', oldEpoch: 1, cause, why: '' } as const;
      const kept = { entriesKept: 0, entriesLost: 0 };
      const journal = new HandJournal(device, 2).append('normal', { ...began, ...kept });
      await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
      await ledger.greet({ device, epoch: 2, publicKey, atMs });
      await ledger.ingest(journal.ingest('normal', 1, 1));
    }
    const found = await ledger.newLives({ sinceMs: 2_000, limit: 9 });

    t.deepEqual(found, [
      { device: 'd2', epoch: 2, beganAtMs: 3_000, cause: 'rewound' },
      { device: 'd3', epoch: 2, beganAtMs: 2_000, cause: 'restored' },
    ]);
    t.is((await ledger.newLives({ sinceMs: 0, limit: 1 })).length, 1);
  });
}

if (skippedLedgers !== '') {
  test.skip(`devices are found page by page, in PostgreSQL (${skippedLedgers})`, () => {});
}
