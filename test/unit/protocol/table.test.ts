import test from 'ava';
import { compareCells, renderTable, tableChoice, type Column } from '@holdfast/protocol';

const columns: readonly Column[] = [
  { title: 'device' },
  { title: 'backlog', align: 'right', drop: 1 },
  { title: 'last seen', drop: 2 },
];
const rows = [
  ['kiosk', '≥ 8,800', '26h ago'],
  ['pump', '310', '41m ago'],
  ['till', '?', '-'],
];

function shown(flags: Parameters<typeof tableChoice>[0], width?: number): readonly string[] {
  return renderTable(columns, rows, { width, table: tableChoice(flags) }).split('\n');
}

test('a table has the columns that are named, in their order, whatever the width', (t) => {
  t.deepEqual(shown({ columns: 'last-seen, device' }, 30), [
    'LAST SEEN  DEVICE',
    '26h ago    kiosk',
    '41m ago    pump',
    '-          till',
  ]);
  t.deepEqual(shown({ columns: 'device', header: false }), ['kiosk', 'pump', 'till']);
  t.like(
    t.throws(() => shown({ columns: 'nothing' })),
    {
      code: 'HF_USAGE',
      why: 'there is no column nothing, only device, backlog, last-seen',
    },
  );
});

test('rows are sorted by what cells amount to, and those without come last or first', (t) => {
  const order = (sort: string) => shown({ columns: 'device', sort, header: false });

  t.deepEqual(order('backlog'), ['pump', 'kiosk', 'till']);
  t.deepEqual(order('-backlog'), ['till', 'kiosk', 'pump']);
  t.deepEqual(order('last-seen'), ['pump', 'kiosk', 'till']);
  t.deepEqual(order('-device'), ['till', 'pump', 'kiosk']);
  t.throws(() => order('age'), { code: 'HF_USAGE' });
});

test('amounts of all units compare', (t) => {
  const sorted = ['2.1 MiB', '14 KiB', '812 B', '3.0 GiB'].toSorted(compareCells);
  t.deepEqual(sorted, ['812 B', '14 KiB', '2.1 MiB', '3.0 GiB']);
  const times = ['2d 4h', '850 ms', 'in 41 s', 'now', '3h 12m', '4m 10s'];
  t.deepEqual(times.toSorted(compareCells), [
    ...['now', '850 ms', 'in 41 s', '4m 10s', '3h 12m', '2d 4h'],
  ]);
  t.deepEqual(['b', 'a', '-', '2'].toSorted(compareCells), ['2', '-', 'a', 'b']);
});
