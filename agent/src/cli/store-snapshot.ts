import { formatBytes, formatCount, withProgress, wrapLine } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTarget, nonEmpty, readAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
}

const about = `
Works with the agent running, which goes on meanwhile, and with the agent stopped. It has all
that was durable when it was begun. An encrypted store stays encrypted: its key is needed later.
The device's own key, in identity/, is not part of it.

Examples:
  holdfast store snapshot /mnt/backup/pump-17.snapshot
`;

export function addStoreSnapshot(parent: Command, shell: Shell): void {
  addTarget(parent.command('snapshot'))
    .description('Write a snapshot of the store into a new file.')
    .argument('<file>', 'where to; must not be there')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (file: string, flags: Flags) => {
      const { writeSnapshot } = await import('../snapshot-store.ts');
      const path = nonEmpty('FILE', file);
      const view = await readAgent(shell, flags, (agent) =>
        withProgress(shell.progress, { what: 'written', unit: 'bytes' }, (to) =>
          writeSnapshot(agent, path, to),
        ),
      );
      const { rows, bytes, device, epoch, at } = view;
      const what = `${formatCount(rows)} rows, ${formatBytes(bytes)}`;
      const text = `${path}: ${what}, of device ${device}, epoch ${epoch}, as of ${at}.`;
      const line = wrapLine(text, shell.width, 2);
      shell.print(flags.output === 'json' ? JSON.stringify(view) : line);
    });
}
