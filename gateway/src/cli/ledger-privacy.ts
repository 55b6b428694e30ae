import { userInfo } from 'node:os';
import {
  formatBytes,
  formatCount,
  paint,
  withProgress,
  type Column,
  type OnProgress,
} from '@holdfast/protocol';
import { LIMIT_MAX } from '../core/api-query.ts';
import type { ErasureView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { table } from './tables.ts';
import { note, progressBeside, show, type Terminal } from './terminal.ts';

export interface SubjectOptions extends SourceOptions {
  readonly subject: string;
}

export interface EraseOptions extends SubjectOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly yes?: true;
}

/** Deletes what is held on a subject. */
export async function ledgerErase(options: EraseOptions, terminal: Terminal): Promise<void> {
  const { subject, by = userInfo().username, reason = '' } = options;
  if (options.yes !== true) {
    throw usage('what is erased cannot be brought back; --yes says that this is meant');
  }
  const work = { what: 'erasing', unit: 'percent' } as const;
  const erasure = await withProgress(terminal.progress, work, () =>
    withFleet(options, (fleet) => fleet.erase({ subject, by, reason })),
  );
  show(terminal, erasure, () => {
    const sign = paint('✓', 'green', terminal.color);
    const contents = `${formatCount(erasure.contents)} values (${formatBytes(erasure.bytes)})`;
    return `${sign} erased ${contents} and ${formatCount(erasure.commands)} results of calls.`;
  });
}

/** Prints what is held on a subject, a line of JSON each. */
export async function ledgerExport(options: SubjectOptions, terminal: Terminal): Promise<void> {
  await withProgress(progressBeside(terminal), { what: 'exported', unit: 'rows' }, (to) =>
    printHeld(options, terminal, to),
  );
}

async function printHeld(
  { subject, ...options }: SubjectOptions,
  terminal: Terminal,
  to: OnProgress,
): Promise<void> {
  await withFleet(options, async (fleet) => {
    let after: string | undefined;
    let printed = 0;
    do {
      const page = await fleet.held({ subject, after, limit: LIMIT_MAX });
      printed += page.entries.length + page.commands.length;
      to(printed);
      for (const entry of page.entries) {
        terminal.print(JSON.stringify({ schema: 'holdfast.held-entry/1', ...entry }));
      }
      for (const command of page.commands) {
        terminal.print(JSON.stringify({ schema: 'holdfast.held-command/1', ...command }));
      }
      after = page.next ?? undefined;
    } while (after !== undefined);
    if (printed === 0) note(terminal, `Nothing is held on ${subject}.`);
  });
}

const columns: readonly Column[] = [
  { title: 'when' },
  { title: 'by' },
  { title: 'values', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'results', align: 'right' },
  { title: 'state' },
  { title: 'why', drop: 1, cutTo: 16 },
];

const pruningColumns: readonly Column[] = [
  { title: 'when' },
  { title: 'entries', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'runs', align: 'right' },
  { title: 'commands', align: 'right' },
];

/** Shows the receipts of what was kept for long enough. */
export async function ledgerPrunings(
  options: SourceOptions & { readonly limit: number },
  terminal: Terminal,
): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.prunings(options.limit));
  show(terminal, view, () => {
    if (view.prunings.length === 0) return 'Nothing was kept for too long yet.';
    const rows = view.prunings.map(({ at, entries, bytes, runs, commands }) => [
      ...[at ?? '-', formatCount(entries), formatBytes(bytes), formatCount(runs)],
      formatCount(commands),
    ]);
    return table(terminal, pruningColumns, rows);
  });
}

/** Shows the receipts of erasures. */
export async function ledgerErasures(
  options: SourceOptions & { readonly limit: number },
  terminal: Terminal,
): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.erasures(options.limit));
  show(terminal, view, () =>
    view.erasures.length === 0
      ? 'Nothing was erased.'
      : table(terminal, columns, view.erasures.map(erasureRow)),
  );
}

function erasureRow(erasure: ErasureView) {
  return [
    erasure.at ?? '-',
    erasure.by,
    formatCount(erasure.contents),
    formatBytes(erasure.bytes),
    formatCount(erasure.commands),
    erasure.complete ? 'complete' : 'stopped short: erase again',
    erasure.reason,
  ];
}
