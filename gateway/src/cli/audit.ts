import type { Column, Tone } from '@holdfast/protocol';
import type { AuditPageView, AuditView } from '../core/access/access-views.ts';
import { withDesk, type SourceOptions } from './fleet-source.ts';
import { table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

export interface AuditOptions extends SourceOptions {
  readonly limit: number;
  readonly before?: string;
}

const columns: readonly Column[] = [
  { title: 'when' },
  { title: 'who' },
  { title: 'from', drop: 1 },
  { title: 'action' },
  { title: 'target' },
  { title: 'outcome' },
  { title: 'code', drop: 2 },
];

const tones: Partial<Readonly<Record<AuditView['outcome'], Tone>>> = {
  denied: 'red',
  failed: 'yellow',
  begun: 'yellow',
};

/** Shows who asked for what, the newest first. */
export async function audit(options: AuditOptions, terminal: Terminal): Promise<void> {
  const { before, limit } = options;
  const view = await withDesk(options, (desk) => desk.audit({ before, limit }));
  show(terminal, view, () => auditText(view, terminal));
}

function auditText({ records, next }: AuditPageView, terminal: Terminal): string {
  if (records.length === 0) return 'Nobody has changed anything.';
  const text = table(terminal, columns, records.map(auditRow));
  return next === null ? text : `${text}\nOlder ones: add --before ${next}`;
}

function auditRow(record: AuditView) {
  const tone = tones[record.outcome];
  return [
    (record.at ?? '-').slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' '),
    record.who,
    record.from || '-',
    record.action,
    record.target || '-',
    tone === undefined ? record.outcome : { text: record.outcome, tone },
    record.code ?? '-',
  ];
}
