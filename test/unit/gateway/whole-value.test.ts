import test from 'ava';
import {
  HandlerRunner,
  createAttempts,
  functionExecutor,
  sha256,
  systemClock,
  wholeValue,
  type LedgerEntry,
} from '@holdfast/gateway/internal';
import { encodeValue, partedValue, type EntryOf, type Log } from '@holdfast/protocol';
import { Calls } from '../../support/calls.ts';

const silent: Log = { error: () => undefined, info: () => undefined, debug: () => undefined };
const place = { device: 'cam-1', epoch: 1, lane: 'bulk', seq: 901 } as const;
const text = 'x'.repeat(90_000);
const value = encodeValue(text);
const count = 900;

/** The parts of the value, before its entry in the lane. */
const stored: readonly LedgerEntry[] = Array.from({ length: count }, (_, index) => {
  const part = value.subarray(index * 101, (index + 1) * 101);
  const left = count - index;
  const stamp = { atMs: 1, boot: 1, monoMs: 1, run: '', n: 0 };
  const entry: EntryOf<'value.part'> = { kind: 'value.part', ...stamp, left, part };
  const { lane, epoch, seq } = place;
  return { lane, epoch, seq: seq - left, receivedAtMs: 1, bytes: part, entry };
});

/** A ledger of these entries, as far as it is read here. */
function ledgerOf(entries: readonly LedgerEntry[]) {
  return {
    entries: async ({ after, limit }: { readonly after: number; readonly limit: number }) =>
      entries.filter(({ seq }) => seq > after).slice(0, limit),
  };
}

test('a value in parts is read whole, a page at a time', async (t) => {
  const stands = partedValue(sha256, value, count);
  const ledger = ledgerOf(stored);
  t.deepEqual(await wholeValue({ ledger, sha256 }, place, stands), value);
  t.is(await wholeValue({ ledger, sha256 }, place, value), value, 'one that is in its entry');
});

test('a value of which a part is missing, or another, is none', async (t) => {
  const stands = partedValue(sha256, value, count);
  const damaged = { code: 'HF_ENTRY_DAMAGED' };
  for (const entries of [stored.slice(1), stored.toSpliced(400, 1), []]) {
    await t.throwsAsync(wholeValue({ ledger: ledgerOf(entries), sha256 }, place, stands), damaged);
  }
  const other = partedValue(sha256, encodeValue('y'.repeat(90_000)), count);
  await t.throwsAsync(wholeValue({ ledger: ledgerOf(stored), sha256 }, place, other), damaged);
});

test('a handler is given the whole input of a call, also where that came in parts', async (t) => {
  class LargeCalls extends Calls {
    override entries = async () => stored as never;
  }
  const ledger = new LargeCalls();
  const runner = new HandlerRunner({
    ...{ ledger, sha256, attempts: createAttempts(), clock: systemClock, log: silent },
    issued: () => undefined,
  });
  t.teardown(() => runner.close(0));
  const seen = new Promise<unknown>((resolve) => {
    runner.register('store', functionExecutor(async (input: unknown) => resolve(input)));
  });
  const input = partedValue(sha256, value, count);
  ledger.add('store', null, { ...place, input });
  runner.wake();
  t.is(await seen, text);
});
