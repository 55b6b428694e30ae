import test from 'ava';
import { Ahead, type IngestOutcome, type Piece } from '@holdfast/gateway/internal';
import { SimClock } from '../../support/sim-clock.ts';

/** A lane of a ledger, and what a device is told of it. */
class Bench {
  readonly clock = new SimClock();
  readonly told: string[] = [];
  readonly ends: string[] = [];
  watermark = 0;
  readonly ahead = new Ahead({
    ...{ clock: this.clock, piecesMax: 4, bytesMax: 1_000 },
    tell: ({ device }, { watermark }, kept) => {
      const ranges = kept.map(({ seqFirst, seqLast }) => `${seqFirst}-${seqLast}`);
      this.told.push(`${device}: behind ${watermark}: ${ranges.join(' ')}`);
    },
  });

  /** A piece with entries from `seqFirst` to `seqLast` comes. */
  come(seqFirst: number, seqLast: number, more: Partial<Piece> = {}): void {
    const own = { device: 'till-1', epoch: 1, lane: 'bulk', bytes: 100 } as const;
    const piece: Piece = { ...own, seqFirst, seqLast, ...more };
    const done = this.ahead.inTurn(piece, async () => this.#take(piece));
    void done.then((outcome) => {
      this.ends.push(`${seqFirst} ${outcome?.kind ?? 'over'}`);
      if (outcome?.kind === 'committed') this.ahead.advanced(piece, outcome.position.watermark);
    });
  }

  #take({ seqFirst, seqLast }: Piece): IngestOutcome {
    if (seqFirst > this.watermark + 1) return { kind: 'gap', position: this.#position() };
    this.watermark = Math.max(this.watermark, seqLast);
    const counts = { fresh: 0, calls: 0, issued: 0, lastReceipt: 0 };
    return { kind: 'committed', position: this.#position(), ...counts };
  }

  #position() {
    return { watermark: this.watermark, hash: new Uint8Array(32) };
  }
}

test('what comes in another order is taken in the right one, and nobody is told', async (t) => {
  const bench = new Bench();
  for (const seq of [3, 2, 4, 1]) bench.come(seq, seq);
  await bench.clock.advance(60_000);

  t.deepEqual(bench.ends, ['1 committed', '2 committed', '3 committed', '4 committed']);
  t.deepEqual(bench.told, []);
  t.is(bench.clock.pending, 0, 'no wake-up is left');
});

test('what is missing is told with all that is kept behind it, and closes the gap', async (t) => {
  const bench = new Bench();
  bench.come(1, 2);
  bench.come(5, 6);
  bench.come(9, 9);
  await bench.clock.advance(150);
  t.deepEqual(bench.told, ['till-1: behind 2: 5-6', 'till-1: behind 2: 5-6 9-9']);

  bench.come(3, 4);
  await bench.clock.advance(10);
  t.is(bench.watermark, 6);
  bench.come(7, 8);
  await bench.clock.advance(60_000);
  t.is(bench.watermark, 9);
  t.is(bench.told.length, 2);
  t.is(bench.clock.pending, 0);
});

test('what is sent again while it is kept is kept once, and answered again', async (t) => {
  const bench = new Bench();
  bench.come(2, 2);
  await bench.clock.advance(150);
  for (let time = 0; time < 10; time += 1) {
    bench.come(2, 2);
    await bench.clock.advance(150);
  }
  t.is(bench.told.length, 11);
  bench.come(1, 1);
  await bench.clock.advance(10);
  t.deepEqual(bench.ends.slice(-2), ['1 committed', '2 committed']);
  t.is(bench.ends.filter((end) => end.endsWith('over')).length, 10);
});

test('of one device few pieces are kept, of all few bytes, and none for long', async (t) => {
  const bench = new Bench();
  for (let seq = 2; seq < 8; seq += 1) bench.come(seq, seq);
  await bench.clock.advance(1);
  t.deepEqual(bench.ends, ['6 gap', '7 gap']);
  bench.come(2, 2, { device: 'till-2', bytes: 601 });
  await bench.clock.advance(1);
  t.deepEqual(bench.ends.slice(2), ['2 gap']);

  await bench.clock.advance(31_000);
  t.deepEqual(bench.ends.slice(3), ['2 over', '3 over', '4 over', '5 over']);
  bench.come(2, 2, { device: 'till-2', bytes: 1_000 });
  await bench.clock.advance(150);
  t.is(bench.told.at(-1), 'till-2: behind 0: 2-2', 'there is room again');
});

test('a device that begins anew, and a gateway that closes, leave nothing behind', async (t) => {
  const bench = new Bench();
  bench.come(2, 2);
  bench.come(2, 2, { device: 'till-2' });
  await bench.clock.advance(1);
  bench.ahead.forget('till-1');
  await bench.clock.advance(1);
  t.deepEqual(bench.ends, ['2 over']);
  bench.ahead.close();
  bench.come(3, 3);
  await bench.clock.advance(1);
  t.deepEqual(bench.ends, ['2 over', '2 over', '3 gap']);
  t.is(bench.clock.pending, 0);
});
