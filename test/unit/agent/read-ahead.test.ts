import test from 'ava';
import { ReadAhead } from '@holdfast/agent/internal';
import { SimClock } from '../../support/sim-clock.ts';
import { SimJournal } from '../../support/sim-journal.ts';
import { World } from '../../support/uplink-world.ts';

const limits = { entriesMax: 10, bytesMax: 1_000 };

function journalOf(count: number): { journal: SimJournal; reads: number[] } {
  const journal = new SimJournal('d-1');
  const entries = Array.from({ length: count }, (_, index) => Uint8Array.of(index));
  journal.append('bulk', entries);
  const reads: number[] = [];
  const read = journal.read.bind(journal);
  journal.read = (lane, seqFirst, most) => {
    reads.push(seqFirst);
    return read(lane, seqFirst, most);
  };
  return { journal, reads };
}

test('what was read ahead is not read again when its turn comes', async (t) => {
  const { journal, reads } = journalOf(30);
  const ahead = new ReadAhead(journal, new SimClock());
  await ahead.begin({ lane: 'bulk', seqFirst: 11 }, limits);

  const read = await ahead.read({ lane: 'bulk', seqFirst: 11 }, limits);

  t.deepEqual(reads, [11]);
  t.deepEqual(read.entries[0], Uint8Array.of(10));
  await ahead.read({ lane: 'bulk', seqFirst: 11 }, limits);
  t.deepEqual(reads, [11, 11], 'and only once is it there');
});

test('what is another place, too much or old by now is read anew', async (t) => {
  const clock = new SimClock();
  const { journal, reads } = journalOf(30);
  const ahead = new ReadAhead(journal, clock);
  const after = async (place: Parameters<typeof ahead.read>[0], most = limits) => {
    await ahead.begin({ lane: 'bulk', seqFirst: 11 }, limits);
    await clock.advance(place.seqFirst === 11 && most === limits ? 1_001 : 0);
    reads.length = 0;
    const { entries } = await ahead.read(place, most);
    return [reads.length, entries.length];
  };

  t.deepEqual(await after({ lane: 'bulk', seqFirst: 12 }), [1, 10]);
  t.deepEqual(await after({ lane: 'bulk', seqFirst: 11 }, { ...limits, entriesMax: 1 }), [1, 1]);
  t.deepEqual(await after({ lane: 'bulk', seqFirst: 11 }, { ...limits, bytesMax: 5 }), [1, 5]);
  t.deepEqual(await after({ lane: 'bulk', seqFirst: 11 }), [1, 10], 'it is old');
});

test('holes, contents and what cannot be read are for when their turn comes', async (t) => {
  const { journal, reads } = journalOf(30);
  const ahead = new ReadAhead(journal, new SimClock());
  const place = { lane: 'bulk', seqFirst: 11 } as const;
  journal.unreadable = { lane: 'bulk', error: new Error('no') };

  await ahead.begin(place, limits);
  await t.throwsAsync(ahead.read(place, limits));
  journal.unreadable = undefined;
  journal.shed('bulk', 12);
  await ahead.begin(place, limits);
  t.truthy((await ahead.read(place, limits)).hole);

  t.deepEqual(reads, [11, 11, 11, 11]);
});

test('a backlog is read once, batch by batch', async (t) => {
  const world = new World();
  const seqs: number[] = [];
  const read = world.journal.read.bind(world.journal);
  world.journal.read = (lane, seqFirst, most) => {
    seqs.push(seqFirst);
    return read(lane, seqFirst, most);
  };
  world.append('bulk', 20_000);
  world.uplink.start();

  await world.untilSynced();

  world.check(t);
  const again = seqs.length - new Set(seqs).size;
  t.true(again <= 2, `${again} of ${seqs.length} reads were for nothing`);
  await world.uplink.close();
});
