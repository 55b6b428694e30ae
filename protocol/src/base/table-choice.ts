import { HoldfastError } from './errors.ts';

/** What of a table is to be shown, where that is not left to the width of the terminal. */
export interface TableChoice {
  /** Titles of columns, in the order in which they are shown: all of them, whatever the width. */
  readonly columns?: readonly string[];
  /** Title of the column by which rows are sorted. */
  readonly sort?: string;
  readonly isDescending?: boolean;
  /** Default `true`. */
  readonly hasHeader?: boolean;
  /** All columns, whatever the width. */
  readonly isWide?: boolean;
  /** Numbers without separators and units. Default `false`; in CSV `true`. */
  readonly isRaw?: boolean;
  /** Default `relative`; in CSV `iso`. */
  readonly time?: TimeForm;
  /** Default: lines for a terminal. */
  readonly form?: TableForm;
}

/** Formats of a table for other programs. */
export const tableForms = ['csv', 'md'] as const;
export type TableForm = (typeof tableForms)[number];

/** `raw`: in ms since 1970. */
const timeForms = ['relative', 'iso', 'raw'] as const;
type TimeForm = (typeof timeForms)[number];

/** What the options of a command say. */
export interface TableFlags {
  /** With commas between. */
  readonly columns?: string;
  /** Behind a `-`: the largest first. */
  readonly sort?: string;
  /** `false`: none. */
  readonly header?: boolean;
  readonly wide?: true;
  readonly raw?: true;
  readonly time?: string;
  /** Of the whole command. */
  readonly output?: string;
}

/** The options of commands that print a table, for their help. */
export const tableOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--columns <names>', 'only these columns of the table, with commas, in this order'],
  ['--sort <column>', 'by this column; -column: the largest first'],
  ['--no-header', 'without the titles of the columns'],
  ['--wide', 'all columns, whatever the width of the terminal'],
  ['--raw', 'numbers without separators and units'],
  ['--time <form>', `times as they are told: ${timeForms.join(', ')}`],
];

/** @throws HF_USAGE */
export function tableChoice(flags: TableFlags): TableChoice {
  const { columns, sort, header, wide, raw, time, output } = flags;
  checkTable(flags);
  const form = tableForms.find((each) => each === output);
  const isCsv = form === 'csv';
  return {
    ...(columns === undefined ? {} : { columns: columns.split(',').map((each) => each.trim()) }),
    ...(sort === undefined ? {} : { sort: sort.replace(/^-/, '') }),
    isDescending: sort?.startsWith('-') === true,
    hasHeader: header !== false,
    isWide: wide === true,
    isRaw: raw === true || isCsv,
    time: time === undefined ? (isCsv ? 'iso' : 'relative') : timeForm(time),
    ...(form === undefined ? {} : { form }),
  };
}

/** Which of the options of tables are given. */
export function tableGiven({ columns, sort, header, wide, raw, time }: TableFlags) {
  const given = { '--columns': columns, '--sort': sort, '--wide': wide, '--raw': raw };
  const all = { ...given, '--time': time, '--no-header': header === false || undefined };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

function checkTable(flags: TableFlags): void {
  const [given] = tableGiven(flags);
  const { columns, wide, output = '' } = flags;
  if (given !== undefined && /^jsonl?$/.test(output)) {
    const why = `${given} is for a table, and --output ${output} prints none`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  if (columns !== undefined && wide === true) {
    throw new HoldfastError('HF_USAGE', { why: '--columns and --wide contradict each other' });
  }
}

function timeForm(text: string): TimeForm {
  const form = timeForms.find((each) => each === text);
  if (form !== undefined) return form;
  throw new HoldfastError('HF_USAGE', { why: `--time ${text} is none of ${timeForms.join(', ')}` });
}

/** Whether nothing is to be printed but the table: somebody else reads it. */
export function isTableAlone(table: TableChoice | undefined): boolean {
  return table?.form !== undefined;
}

interface ExactCell {
  readonly raw?: number | string | undefined;
  readonly at?: string | null | undefined;
}

/** A number or an instant as it is, where it is wanted like this. */
export function exactText(
  { raw, at }: ExactCell,
  { isRaw = false, time = 'relative' }: TableChoice,
): string | undefined {
  if (typeof at === 'string' && time !== 'relative') {
    return time === 'iso' ? at : String(Date.parse(at));
  }
  return isRaw && raw !== undefined ? String(raw) : undefined;
}

/** Where a column is. `last-seen` names the one with the title `last seen`. @throws HF_USAGE */
export function columnNamed(titles: readonly string[], name: string): number {
  const wanted = name.toLowerCase().replaceAll('-', ' ');
  const at = titles.indexOf(wanted);
  if (at !== -1) return at;
  const known = titles.map((title) => title.replaceAll(' ', '-')).join(', ');
  throw new HoldfastError('HF_USAGE', { why: `there is no column ${name}, only ${known}` });
}

const units: Readonly<Record<string, number>> = {
  ...{ ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 },
  ...{ B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/**
 * Compares cells as people read them: `1,284` and `2.1 MiB` and `3h 12m` by what they amount to,
 * other texts by their letters. What is not there comes last.
 */
export function compareCells(left: string, right: string): number {
  const [a, b] = [amountOf(left), amountOf(right)];
  if (a !== undefined && b !== undefined) return a - b;
  if (a === undefined && b === undefined) return left < right ? -1 : Number(left > right);
  return a === undefined ? 1 : -1;
}

function amountOf(text: string): number | undefined {
  const plain = text.replace(/^(?:≥|in) /, '').replace(/ ago$/, '');
  if (plain === 'now') return 0;
  const isAmount = /^(?:\d[\d,]*(?:\.\d+)? ?(?:ms|[smhd]|B|[KMGT]iB)? ?)+$/.test(plain);
  if (!isAmount) return undefined;
  const parts = plain.matchAll(/(\d[\d,]*(?:\.\d+)?) ?(ms|[smhd]|B|[KMGT]iB)?/g);
  return [...parts].reduce((sum, [, number = '', unit = 'B']) => {
    return sum + Number(number.replaceAll(',', '')) * (units[unit] ?? 1);
  }, 0);
}
