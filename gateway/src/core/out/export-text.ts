import type { OutRecord, Sink } from './record.ts';

export const exportFormats = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Writes records as text, with what has to come before the first. */
export function textSink(
  format: ExportFormat,
  write: (text: string) => void | Promise<void>,
): Sink & { begin(): void | Promise<void> } {
  const lineOf = format === 'csv' ? csvOf : ndjsonOf;
  return {
    begin: () => (format === 'csv' ? write(csvHead) : undefined),
    async take(records) {
      await write(records.map(lineOf).join(''));
    },
  };
}

/** One record as a line of JSON. */
export function ndjsonOf(record: OutRecord): string {
  return `${JSON.stringify({ schema: 'holdfast.exported/1', ...record })}\n`;
}

const columns = [
  ...(['id', 'device', 'epoch', 'lane', 'seq', 'receivedAt', 'at', 'clock'] as const),
  ...(['kind', 'workflow', 'run', 'name', 'fields'] as const),
];
export const csvHead = `${columns.join(',')}\r\n`;

/** One record as a line of CSV (RFC 4180); what is of one kind only is JSON in the last column. */
export function csvOf(record: OutRecord): string {
  const { id, device, epoch, lane, seq, receivedAt, at, clock, ...more } = record;
  const { kind, workflow, run, name, bytes: _, ...fields } = more;
  const json = Object.keys(fields).length === 0 ? '' : JSON.stringify(fields);
  const cells = [id, device, epoch, lane, seq, receivedAt, at, clock, kind, workflow, run, name];
  return `${[...cells, json].map(cellOf).join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula, it is to show. */
const FORMULA = /^[=+\-@\t\r]/;

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
