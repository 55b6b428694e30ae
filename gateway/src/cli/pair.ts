import type { Column } from '@holdfast/protocol';
import type { PairingsView } from '../core/access/pairing-views.ts';
import { readTags } from './command-issue.ts';
import { withPairings, type SourceOptions } from './fleet-source.ts';
import { ago, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

const columns: readonly Column[] = [
  { title: 'code' },
  { title: 'device' },
  { title: 'from' },
  { title: 'known' },
  { title: 'key', drop: 1 },
  { title: 'expires', drop: 2 },
];

export async function pairLs(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withPairings(options, (desk) => desk.pairings());
  show(terminal, view, () => pairingsText(view, terminal));
}

function pairingsText({ pairings }: PairingsView, terminal: Terminal): string {
  if (pairings.length === 0) return 'No device waits to be let in.';
  const rows = pairings.map(({ code, device, from, replaces, key, expiresAt }) => [
    ...[{ text: code, tone: 'cyan' } as const, device, from],
    ...[replaces ? 'by another key' : 'no', key, ago(terminal, expiresAt)],
  ]);
  return table(terminal, columns, rows);
}

export interface ApproveOptions extends SourceOptions {
  readonly words: string;
  readonly replace?: true;
  readonly tag?: readonly string[];
}

export async function pairApprove(
  code: string,
  { words, replace, tag, ...options }: ApproveOptions,
  terminal: Terminal,
): Promise<void> {
  const approval = { code, words, replaces: replace === true, tags: readTags(tag ?? []) };
  const view = await withPairings(options, (desk) => desk.approve(approval));
  show(terminal, view, () => `${view.device} is let in.`);
}

export async function pairDeny(
  code: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withPairings(options, (desk) => desk.deny(code));
  show(terminal, view, () => `${view.device} is not let in.`);
}
