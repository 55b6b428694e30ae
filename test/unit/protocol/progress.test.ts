import test from 'ava';
import { Progress, withProgress } from '@holdfast/protocol';

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

test('a bar gives way to what a terminal has no room for, and no line is broken', (t) => {
  const shown = (columns: number): string => {
    const told: string[] = [];
    const now = { ms: 0 };
    const terminal = { isTerminal: true, columns: () => columns, nowMs: () => now.ms };
    const write = (text: string) => void told.push(text);
    const bar = new Progress({ ...terminal, write }, { what: 'acknowledged', total: 1_000_000 });
    now.ms = 10_000;
    bar.to(250_000);
    return told[0]?.replace('\r\u001b[K', '') ?? '';
  };

  const facts = '25%  250,000 of 1,000,000  25,000/s  about 30 s left';
  t.is(shown(100), `acknowledged  ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ ${facts}`);
  t.is(shown(80), `acknowledged  ███▒▒▒▒▒▒▒▒▒ ${facts}`);
  t.is(shown(80).length, 79);
  t.is(shown(40), `acknowledged  ██▒▒▒▒▒▒ ${facts}`.slice(0, 39));
  t.is(shown(0), shown(100), 'a terminal that does not know its size');
});

test('work that says nothing for long is told of all the same, until it ends', async (t) => {
  const told: string[] = [];
  const now = { ms: 0 };
  let look: (() => void) | undefined;
  const every = (ms: number, each: () => void) => {
    t.is(ms, 10_000);
    look = each;
    return () => void (look = undefined);
  };
  const write = (text: string) => void told.push(text);
  const pipe = { isTerminal: false, nowMs: () => now.ms, write, every };

  await withProgress(pipe, { what: 'erasing', unit: 'percent' }, async () => {
    now.ms = 12_000;
    look?.();
  });
  await withProgress(pipe, { what: 'read' }, async (to) => {
    to(100, 400);
    now.ms += 10_000;
    look?.();
  });

  t.is(look, undefined);
  t.deepEqual(told, [
    'erasing  for 12 s\n',
    'read  ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ 25%  100 of 400  10/s  about 30 s left\n',
  ]);
});
