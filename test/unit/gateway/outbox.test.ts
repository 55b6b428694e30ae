import { emptyOutbox, pump, receive, taken, type Outbox } from '@holdfast/gateway/internal';
import { COMMANDS_MAX, MESSAGE_BYTES_MAX, type Command } from '@holdfast/protocol';
import test from 'ava';

function command(number: number, bytes: number): Command {
  const of = { kind: 'run.signal', expiresAtMs: 0, run: 'r1', op: 0, name: 'n' } as const;
  return { number, ...of, key: 'cmd', payload: new Uint8Array(bytes) };
}

interface Link {
  /** Bytes a millisecond, either way. */
  readonly rate: number;
  readonly delayMs: number;
}

/** Sends commands over a link, and has each answered with a receipt of 80 bytes. */
function storm(count: number, bytes: number, { rate, delayMs }: Link) {
  let outbox: Outbox = emptyOutbox(0);
  let [nowMs, downFreeAtMs, upFreeAtMs] = [0, 0, 0];
  const receipts: { readonly number: number; readonly atMs: number }[] = [];
  let [bytesMax, waitMsMax] = [0, 0];
  for (;;) {
    const { outbox: reading, read } = pump(outbox);
    outbox = reading;
    if (read !== undefined) {
      const all = Array.from({ length: read.limit }, (_, index) => read.after + 1 + index);
      const commands = all.filter((each) => each <= count).map((each) => command(each, bytes));
      const sent = taken(outbox, { after: read.after, commands, nowMs });
      outbox = sent.outbox;
      for (const { number } of sent.commands) {
        downFreeAtMs = Math.max(nowMs, downFreeAtMs) + (bytes + 60) / rate;
        upFreeAtMs = Math.max(downFreeAtMs + delayMs, upFreeAtMs) + 80 / rate;
        receipts.push({ number, atMs: upFreeAtMs + delayMs });
        waitMsMax = Math.max(waitMsMax, upFreeAtMs + delayMs - nowMs);
      }
      bytesMax = Math.max(
        bytesMax,
        outbox.flights.reduce((sum, flight) => sum + flight.bytes, 0),
      );
    }
    const next = receipts.shift();
    if (next === undefined) return { tookMs: nowMs, bytesMax, waitMsMax, applied: outbox.applied };
    nowMs = next.atMs;
    outbox = receive(outbox, next.number, nowMs);
  }
}

test('a storm of 10,000 commands keeps a slow link busy and never fills it', (t) => {
  const link = { rate: 1.2, delayMs: 100 };
  for (const bytes of [80, 1_000]) {
    const ideal = (10_000 * (bytes + 60)) / link.rate;

    const { tookMs, waitMsMax, applied } = storm(10_000, bytes, link);

    t.is(applied, 10_000);
    t.true(waitMsMax < 16_000, `one of ${bytes} bytes was on its way for ${waitMsMax} ms`);
    t.true(tookMs < 1.1 * ideal, `${tookMs} ms, of ${ideal} ms that the link needs`);
  }
});

test('on a fast link commands do not wait for each other', (t) => {
  const { tookMs, bytesMax } = storm(10_000, 80, { rate: 10_000, delayMs: 50 });

  t.true(tookMs < 40_000, `${tookMs} ms`);
  t.true(bytesMax <= MESSAGE_BYTES_MAX + 200);
});

test('however small commands are, no more than a message may name are on their way', (t) => {
  const { outbox } = pump({ ...emptyOutbox(0), windowBytes: MESSAGE_BYTES_MAX });
  const commands = Array.from({ length: COMMANDS_MAX }, (_, index) => command(index + 1, 1));

  const sent = taken(outbox, { after: 0, commands, nowMs: 0 });

  t.is(sent.commands.length, COMMANDS_MAX);
  t.is(pump(sent.outbox).read, undefined);
});
