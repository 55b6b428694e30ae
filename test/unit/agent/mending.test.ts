import {
  Journal,
  auditStore,
  entryKey,
  parseStored,
  sha256,
  verifyChains,
  verifyTails,
  RunStore,
  type EntryRef,
} from '@holdfast/agent/internal';
import { StoreLedger, newLedgerRow } from '@holdfast/gateway/internal';
import { ENTRY_BYTES_MAX, codeOf, encodeValue, type EntryBody } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { newSigner } from '../../support/hand-journal.ts';
import { SimChance } from '../../support/sim-chance.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const device = 'm-1';
const lane = 'bulk';
const chain = { device, epoch: 1 };

function open(store: SimStore, onDamage: (error: unknown) => void = () => {}): Promise<Journal> {
  const options = { ...chain, boot: 1, clock: new SimClock(), sha256, store, onDamage };
  return Journal.open(options);
}

function event(name: string, size = 20): EntryBody {
  const payload = encodeValue('x'.repeat(size));
  return { kind: 'event.emitted', run: '', n: 0, op: 0, name, payload };
}

const put = (journal: Journal, name: string, size?: number): Promise<readonly EntryRef[]> =>
  journal.append([{ lane, body: event(name, size) }]);

/** Entries are named by their seqs, from 1 on. */
async function filled(count: number, size?: number) {
  const store = new SimStore();
  const journal = await open(store);
  for (let seq = 1; seq <= count; seq += 1) await put(journal, `e${seq}`, size);
  return { store, journal };
}

/** The ledger has what is here. */
async function acknowledge(journal: Journal, seq: number): Promise<void> {
  const hash = await journal.hashAt(lane, seq);
  await journal.acknowledge(lane, seq, hash ?? new Uint8Array(32));
}

/** Changes a byte of an entry, of the hash before it, or of whose it is, behind its back. */
async function harm(store: SimStore, seq: number, what: 'entry' | 'hash' | 'run' = 'entry') {
  const key = entryKey(lane, seq);
  const value = (await store.get(key)) ?? new Uint8Array();
  const { bytes } = parseStored(seq, value);
  const entryAt = value.byteLength - bytes.byteLength;
  const at = { hash: 1, run: entryAt - 1, entry: value.byteLength - 1 }[what];
  value[at] = (value[at] ?? 0) ^ 1;
  await store.write([{ kind: 'put', key, value }]);
}

test('a count of bytes that a card has changed is no backlog that cannot be', async (t) => {
  const { store, journal } = await filled(10);
  await acknowledge(journal, 4);
  // The watermark is durable with what comes next.
  await put(journal, 'e11');
  const truth = journal.backlogBytes(lane);
  const places = [4, 8].flatMap((seq) => Array.from({ length: 48 }, (_, bit) => ({ seq, bit })));
  for (const { seq, bit } of places) {
    const key = entryKey(lane, seq);
    const value = (await store.get(key)) ?? new Uint8Array();
    // The count stands behind the hash of an anchor.
    const at = 32 + (bit >> 3);
    value[at] = (value[at] ?? 0) ^ (1 << (bit & 7));
    await store.write([{ kind: 'put', key, value }]);
    const opened = await open(store);
    const bytes = opened.backlogBytes(lane);
    t.true(bytes >= 0 && bytes <= opened.backlogEntries(lane) * ENTRY_BYTES_MAX, `${seq} ${bit}`);
    value[at] = (value[at] ?? 0) ^ (1 << (bit & 7));
    await store.write([{ kind: 'put', key, value }]);
  }
  t.is((await open(store)).backlogBytes(lane), truth);
});

/** Sends the lane to a ledger, in batches of seven. @returns What it has then, in order. */
async function drain(t: ExecutionContext, journal: Journal): Promise<string[]> {
  const disk = new SimStore();
  await disk.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(disk, sha256);
  await ledger.greet({ ...chain, publicKey: newSigner().publicKey, atMs: 1 });
  const { head, headHash } = journal.positions()[2];
  for (let seq = 1; seq <= head;) {
    const read = await journal.read(lane, seq, { entriesMax: 7, bytesMax: 1e6 });
    const at = { ...chain, receivedAtMs: 1 };
    const outcome = read.hole
      ? await ledger.declareHole({ ...at, hole: read.hole })
      : await ledger.ingest({
          ...{ ...at, lane, seqFirst: seq, previousHash: read.previousHash },
          hash: read.hashAt(read.entries.length - 1),
          entries: read.entries.filter((entry) => entry instanceof Uint8Array),
        });
    if (outcome.kind !== 'committed') throw new Error(`${seq} is ${outcome.kind}`);
    seq = outcome.position.watermark + 1;
  }
  t.deepEqual((await ledger.verify()).faults, []);
  t.deepEqual((await ledger.device(device))?.lanes[2], { watermark: head, hash: headHash });
  const entries = await ledger.entries({ device, lane, after: 0, limit: 10_000 });
  const holes = await ledger.holes({ device, lane, after: 0, limit: 10_000 });
  return [
    ...entries.map(({ seq, entry }) => `${seq} ${entry && 'name' in entry ? entry.name : ''}`),
    ...holes.map(({ seqFirst, seqLast, reason }) => `${seqFirst}-${seqLast} ${reason}`),
  ].toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

const named = (last: number, first = 1): string[] =>
  Array.from({ length: last - first + 1 }, (_, at) => `${first + at} e${first + at}`);

/** What a scan finds: chains, counts, histories. */
async function checkWhole(t: ExecutionContext, store: SimStore, label = ''): Promise<void> {
  const journal = await open(store);
  const runs = new RunStore(store, journal);
  const { faults, mismatches } = await auditStore({
    ...{ chain: { ...chain, store, sha256 }, journal, runs },
  });
  t.deepEqual({ faults, mismatches }, { faults: [], mismatches: [] }, label);
}

test('S10 an entry that is damaged takes no other with it, wherever it is', async (t) => {
  for (let seq = 1; seq < 16; seq += 1) {
    const { store, journal } = await filled(16);
    await harm(store, seq);

    t.is(await journal.mend(), 1, `${seq}`);

    const hole = `${seq}-${seq} damaged`;
    const expected = [...named(seq - 1), hole, ...named(16, seq + 1)];
    t.deepEqual(await drain(t, journal), expected, `${seq}`);
    await checkWhole(t, store, `${seq}`);
    t.is(await journal.mend(), 0);
    await put(journal, 'e17');
    t.deepEqual(await drain(t, journal), [...expected, '17 e17'], `${seq}`);
  }
});

test('a mended lane is what it would be, whatever else has happened to it', async (t) => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const chance = new SimChance(seed);
    const pick = (below: number): number => Math.floor(chance.next() * below);
    const { store, journal } = await filled(60);
    const seqs = (count: number) => Array.from({ length: count }, () => 1 + pick(59));
    const [shed, aside, harmed] = [seqs(pick(6)), seqs(pick(4)), new Set(seqs(1 + pick(8)))];
    if (pick(3) === 0) await acknowledge(journal, 1 + pick(5));
    const acked = journal.positions()[2].acked;
    await journal.remove(lane, shed.filter((seq) => seq > acked), { reason: 'shed' });
    const isThere = (seq: number) => seq <= acked || !shed.includes(seq);
    for (const seq of aside.filter(isThere)) await journal.setAside(lane, seq, 'oversize');
    for (const seq of harmed) if (isThere(seq) && seq > acked) await harm(store, seq);

    const mending = journal.mend();
    const later = [61, 62, 63].map((seq) => put(journal, `e${seq}`));
    const damaged = await mending;
    await Promise.all(later);
    await put(journal, 'e64');

    const gone = [...harmed].filter((seq) => isThere(seq) && seq > acked);
    t.is(damaged, gone.length, `seed ${seed}`);
    const left = named(64).filter((_, at) => {
      return isThere(at + 1) && !gone.includes(at + 1) && !aside.includes(at + 1);
    });
    const sent = await drain(t, journal);
    t.deepEqual(sent.filter((each) => each.includes('e') && !each.includes('-')), left);
    await journal.flush();
    await checkWhole(t, store, `seed ${seed}`);
  }
});

test('mending that is cut off at any write is gone on with by the next start', async (t) => {
  for (const size of [20, 40_000]) {
    for (let cut = 1; ; cut += 1) {
      const label = `size ${size}, cut ${cut}`;
      const { store, journal } = await filled(70, size);
      for (const seq of [5, 6, 33]) await harm(store, seq);
      store.failWriteNumber(store.writes + cut, cut % 2 === 0 ? 'kept' : 'lost');
      const outcome = await journal.mend().catch(codeOf);
      const disk = store.crash();
      if (outcome === 3) {
        t.true(cut > (size > 20 ? 5 : 3), label);
        break;
      }
      // What a start looks at finds no fault in a chain that is half mended.
      const faults = await verifyTails({ ...chain, store: disk, sha256 }, 64);
      t.true(faults.every(({ seq }) => [5, 6, 33].includes(seq)), label);
      const again = await open(disk);

      await again.mend();
      await put(again, 'e71', size);

      const expected = [...named(4), '5-6 damaged', ...named(32, 7), '33-33 damaged'];
      t.deepEqual(await drain(t, again), [...expected, ...named(71, 34)], label);
      await checkWhole(t, disk, label);
    }
  }
});

test('a second one that is harmed is found, though no chain tells of it', async (t) => {
  const { store, journal } = await filled(20);
  for (const seq of [9, 11]) await harm(store, seq);
  t.is(await journal.mend(), 2);

  const kept = [...named(8), '9-9 damaged', ...named(10, 10), '11-11 damaged', ...named(20, 12)];
  t.deepEqual(await drain(t, journal), kept);
});

test('no entry that is harmed is sent, however short the batch', async (t) => {
  for (const what of ['entry', 'run'] as const) {
    const { store, journal } = await filled(7);
    await acknowledge(journal, 4);
    await harm(store, 6, what);

    const read = await journal.read(lane, 5, { entriesMax: 2, bytesMax: 1e6 });

    t.is(read.entries.length, what === 'run' ? 2 : 1, what);
    const rest = await journal.read(lane, 6, { entriesMax: 2, bytesMax: 1e6 });
    t.is(rest.hole?.reason, what === 'run' ? undefined : 'damaged');
  }
});

test('a hash that is damaged costs no entry', async (t) => {
  const { store, journal } = await filled(20);
  await acknowledge(journal, 2);
  for (const seq of [4, 5, 8, 12, 20]) await harm(store, seq, 'hash');
  const report = await verifyChains({ ...chain, store, sha256 });
  t.true(report.faults.length > 0);

  t.is(await journal.mend(), 5);

  t.deepEqual(await drain(t, journal), named(20));
  await checkWhole(t, store);
  t.is(await journal.mend(), 0);
});

test('where the chain itself is lost nothing is mended, and it is told', async (t) => {
  const { store } = await filled(20);
  const told: unknown[] = [];
  const journal = await open(store, (error) => told.push(codeOf(error)));
  await harm(store, 20);

  await t.throwsAsync(journal.mend(), { code: 'HF_ENTRY_DAMAGED' });
  t.deepEqual(told, ['HF_ENTRY_DAMAGED']);
});
