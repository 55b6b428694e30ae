// ingest LEDGER_DIR DEVICES MS: so many devices send in turn, some of them at the same time, as
// fast as the embedded ledger takes it. Making what they send does not count.
import { openLevelLedger, sha256 } from '@holdfast/gateway/internal';
import { assert } from '@holdfast/protocol';
import { DeviceJournal } from '../device-journal.ts';
import { residentMib } from '../resident.ts';
import { argument, say } from './say.ts';

const ENTRIES = 64;
const AT_ONCE = 8;
const ROUND = 256;
const [count, ms] = [Number(argument(1)), Number(argument(2))];

const ledger = await openLevelLedger(argument(0), { sha256, isNew: true });
const journals = Array.from(
  { length: count },
  (_, index) => new DeviceJournal(`bench-${index}`, ENTRIES),
);
for (let from = 0; from < count; from += ROUND) {
  await Promise.all(journals.slice(from, from + ROUND).map((each) => each.greet(ledger)));
}

let turn = 0;
/** @returns How long it took, ms. */
async function round(): Promise<number> {
  const batches = Array.from({ length: ROUND }, () => {
    turn += 1;
    return journals[turn % count]!.next(); // There is one for each number below.
  });
  const beganAt = performance.now();
  const send = async (): Promise<void> => {
    for (let next = batches.shift(); next !== undefined; next = batches.shift()) {
      const outcome = await ledger.ingest(next);
      assert(outcome.kind === 'committed' && outcome.fresh === ENTRIES, 'a batch is taken');
    }
  };
  // One device has its batches taken in order.
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, send));
  return performance.now() - beganAt;
}

await round();
let [tookMs, rounds] = [0, 0];
while (tookMs < ms) {
  tookMs += await round();
  rounds += 1;
}
say({ perSecond: (rounds * ROUND * ENTRIES * 1_000) / tookMs, mib: residentMib('self') });
await ledger.close();
