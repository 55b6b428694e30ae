import { formatBytes, formatCount } from '@holdfast/protocol';
import type { QuarantineView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { columns, entryRow } from './ledger-entries.ts';
import { table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

export async function ledgerQuarantine(
  options: SourceOptions & { readonly device: string; readonly limit: number },
  terminal: Terminal,
): Promise<void> {
  const { device, limit } = options;
  const view = await withFleet(options, (fleet) => fleet.quarantine({ device, limit }));
  show(terminal, view, () => quarantineText(view, terminal));
}

function quarantineText(view: QuarantineView, terminal: Terminal): string {
  const { device, kept, bytes, dropped, entries } = view;
  if (kept + dropped === 0) return `Nothing of ${device} is in quarantine.`;
  const epochs = [...new Set(entries.map(({ epoch }) => epoch))].join(', ');
  return [
    table(terminal, columns, entries.map(entryRow)),
    `${formatCount(kept)} entries (${formatBytes(bytes)}) of epoch ${epochs}, applied to nothing.`,
    ...(kept > entries.length ? [`The first ${formatCount(entries.length)} are shown.`] : []),
    ...(dropped > 0 ? [`${formatCount(dropped)} more found no room and were dropped.`] : []),
  ].join('\n');
}
