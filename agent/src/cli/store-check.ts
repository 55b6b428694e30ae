import { Exit, formatBytes, formatCount, paint, withProgress } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { StoreCheckView } from '../check-store.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addStoreOptions, dataDirOf, storeKeyOf, type StoreFlags } from './store-options.ts';

interface Flags extends StoreFlags {
  readonly output: Format;
}

const about = `
Reads every byte: the files, the hash chain of each entry, and whether runs, histories, ids, timers
and the numbers of the backlog agree with each other. Changes nothing in a store that is damaged.

While the agent runs, it is asked for a copy as of one moment, which takes the room of the store
among the temporary files (TMPDIR), and all but the files is looked at.

Exit code 1 unless it is sound, or torn: then a power cut struck a write of which nobody was
told. Damage is nothing to act on: the next start moves the store aside and salvages it.

Example:
  holdfast store check --data-dir ./data
`;

export function addStoreCheck(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('check'))
    .description('Read all of the store and tell what is wrong with it.')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const { checkStore } = await import('../check-store.ts');
      const key = storeKeyOf(flags, shell.env);
      const dataDir = dataDirOf(flags, shell.env);
      const view = await withProgress(shell.progress, { what: 'read' }, (to) =>
        checkStore(dataDir, key, to),
      );
      shell.print(flags.output === 'json' ? JSON.stringify(view) : checkScreen(view, shell));
      if (!isFine(view)) process.exitCode = Exit.failed;
    });
}

function isFine({ state }: StoreCheckView): boolean {
  return state === 'sound' || state === 'torn';
}

function checkScreen(view: StoreCheckView, screen: Pick<Shell, 'color'>): string {
  const { faults, mismatches } = view;
  const lines = [headline(view, screen)];
  if (view.device !== null) {
    const { open, ended } = view.runs;
    const counts = `${formatCount(view.entries)} entries, ${formatCount(view.pending)} pending`;
    const runs = `${formatCount(open)} open and ${formatCount(ended)} ended runs`;
    const how = view.encrypted ? ', encrypted' : '';
    lines.push(`  device ${view.device}, epoch ${view.epoch}${how}: ${counts}; ${runs}`);
  }
  lines.push(...faults.map(({ lane, seq, why }) => `  entry ${seq} of lane ${lane} ${why}`));
  lines.push(...mismatches.map((text) => `  ${text}`));
  if (view.aside.length > 0) lines.push(`  beside it, not needed: ${view.aside.join(', ')}`);
  return lines.join('\n');
}

const byAgent = ', as the agent that runs reads it';

function headline(view: StoreCheckView, { color }: Pick<Shell, 'color'>): string {
  const cross = paint('✗', 'red', color);
  switch (view.state) {
    case 'sound':
      return `${paint('✓', 'green', color)} The store is sound${view.isCopy ? byAgent : ''}.`;
    case 'torn': {
      const struck = `a power cut struck ${formatBytes(view.tornBytes)} of which nobody was told`;
      return `${paint('✓', 'green', color)} The store is sound; ${struck}.`;
    }
    case 'damaged':
      return `${cross} The store is damaged, and the next start salvages it: ${view.why}.`;
    case 'inconsistent':
      return `${cross} The store opens, and not all in it is as it should be:`;
  }
}
