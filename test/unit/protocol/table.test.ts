import test from 'ava';
import {
  bytesCell,
  compareCells,
  renderTable,
  showsSigns,
  tableChoice,
  withoutSigns,
} from '@holdfast/protocol';
import type { Cell, Column, TableFlags } from '@holdfast/protocol';

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

test('text at the end of a row is cut before a column is dropped for it', (t) => {
  const wordy: readonly Column[] = [...columns.slice(0, 2), { title: 'why', drop: 3, cutTo: 8 }];
  const cells = [['kiosk', '310', 'the printer has no paper']];
  const lines = (width: number) => renderTable(wordy, cells, { width }).split('\n');

  t.deepEqual(lines(26), ['DEVICE  BACKLOG  WHY', 'kiosk       310  the prin…']);
  t.deepEqual(lines(25), ['DEVICE  BACKLOG  WHY', 'kiosk       310  the pri…']);
  t.deepEqual(lines(24), ['DEVICE  BACKLOG', 'kiosk       310']);
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

const rich: readonly (readonly Cell[])[] = [
  ['kiosk', { text: '≥ 8,800', raw: 8_800 }, { text: '26h ago', at: '2026-03-01T10:00:00.000Z' }],
  ['=cmd|"x",y', bytesCell(2_202_010), { text: '-', at: null }],
];

function written(flags: TableFlags, width?: number): string {
  return renderTable(columns, rich, { width, color: true, table: tableChoice(flags) });
}

test('a table of values with commas has numbers and times as they are, and no formula', (t) => {
  t.is(
    written({ output: 'csv' }, 20),
    [
      'device,backlog,last-seen',
      'kiosk,8800,2026-03-01T10:00:00.000Z',
      `"'=cmd|""x"",y",2202010,`,
    ].join('\n'),
  );
  t.is(
    written({ output: 'csv', columns: 'last-seen', time: 'raw', header: false }),
    '1772359200000\n',
  );
});

test('a table of Markdown is as people read it, and its marks are only text', (t) => {
  t.is(
    written({ output: 'md', sort: '-backlog' }, 20),
    [
      '| device | backlog | last seen |',
      '| --- | ---: | --- |',
      String.raw`| =cmd\|"x",y | 2.1 MiB | - |`,
      '| kiosk | ≥ 8,800 | 26h ago |',
    ].join('\n'),
  );
});

test('on a terminal, numbers and times are as they are where that is asked for', (t) => {
  const lines = (flags: TableFlags, width?: number) =>
    renderTable(columns, rich, { width, table: tableChoice(flags) }).split('\n');

  t.deepEqual(lines({ columns: 'backlog', raw: true, header: false }), ['   8800', '2202010']);
  t.is(lines({ columns: 'last-seen', time: 'iso' })[1], '2026-03-01T10:00:00.000Z');
  t.deepEqual(lines({}, 12)[0], 'DEVICE');
  t.is(lines({ wide: true }, 12)[1], 'kiosk       ≥ 8,800  26h ago');
  t.throws(() => tableChoice({ time: 'soon' }), { code: 'HF_USAGE' });
  t.throws(() => tableChoice({ output: 'json', sort: 'device' }), { message: /--sort .*json/ });
  t.throws(() => tableChoice({ columns: 'a', wide: true }), { message: /--columns and --wide/ });
});

test('signs are for terminals that can show them, and ASCII takes as much room', (t) => {
  const shows = (...envs: readonly Record<string, string>[]) => envs.map(showsSigns);

  t.deepEqual(shows({}, { LANG: 'nb_NO.UTF-8' }, { LANG: 'C', LC_ALL: 'C.utf8' }), [
    ...[true, true, true],
  ]);
  t.deepEqual(shows({ LANG: 'C' }, { TERM: 'linux' }, { LC_CTYPE: 'de_DE@euro' }), [
    ...[false, false, false],
  ]);
  t.is(withoutSigns('✓ SYNCED · ≥ 8,800 ▷ å…'), '+ SYNCED - > 8,800 > å.');
});
