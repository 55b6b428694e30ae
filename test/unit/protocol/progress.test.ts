import test from 'ava';
import { Progress } from '@holdfast/protocol';

function place(isTerminal: boolean) {
  const told: string[] = [];
  const now = { ms: 0 };
  return {
    ...{ told, now },
    progress: (total: number | undefined, unit: 'bytes' | 'entries' = 'entries') =>
      new Progress(
        { isTerminal, nowMs: () => now.ms, write: (text) => void told.push(text) },
        { what: 'verified', total, unit },
      ),
  };
}

test('a terminal shows a bar with rate and time left, four times a second, and is cleared', (t) => {
  const { told, now, progress } = place(true);
  const bar = progress(4_000);

  for (; now.ms < 1_000; now.ms += 50) bar.to(now.ms);
  bar.to(1_000);
  bar.end();
  bar.end();

  t.is(told.length, 5);
  t.is(
    told[3],
    '\r\u001b[Kverified  ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ 25%  1,000 of 4,000  1,000/s  about 3 s left',
  );
  t.is(told[4], '\r\u001b[K');
});

test('a pipe gets a line every ten seconds, and nothing of what is soon done', (t) => {
  const { told, now, progress } = place(false);
  const line = progress(undefined, 'bytes');

  for (; now.ms < 25_000; now.ms += 1_000) line.to(now.ms * 1_024);
  line.end();

  t.deepEqual(told, ['verified  9.8 MiB  1000.0 KiB/s\n', 'verified  19.5 MiB  1000.0 KiB/s\n']);
});
