import { HoldfastError, formatBytes, formatCount, withProgress } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { ErasedView } from '../socket-client.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly subject: string;
  readonly force?: true;
  readonly yes?: true;
}

const about = `
What was journaled about the subject is gone from this device, sent or not, once this command
has ended with 0. The entries stay; the gateway gets those that it has not yet without their
values. What it has already is erased there: holdfast-gateway ledger erase.

Runs that have not ended need their values: with --force they are ended, without any more of
their code. A store that was set aside, store.bad-…, is as it was: delete that too.

Examples:
  holdfast erase --subject customer-42 --yes
  holdfast erase --subject customer-42 --force --yes
`;

export function addErase(program: Command, shell: Shell): void {
  addTarget(program.command('erase'))
    .description('Delete what this device holds on a subject.')
    .requiredOption('--subject <id>', 'whom it is about')
    .option('--force', 'end the runs that need it')
    .option('--yes', 'it is meant: nothing brings it back')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const { subject, force, yes } = flags;
      if (yes !== true) {
        const why = 'what is erased cannot be brought back; --yes says that this is meant';
        throw new HoldfastError('HF_USAGE', { why });
      }
      const work = { what: 'erasing', unit: 'percent' } as const;
      const erased = await withProgress(shell.progress, work, () =>
        withAgent(shell, flags, (agent) => agent.erase({ subject, force })),
      );
      shell.print(flags.output === 'json' ? JSON.stringify(erased) : erasedText(erased));
    });
}

function erasedText({ contents, bytes, cancelled }: ErasedView): string {
  const values = contents === 1 ? '1 value' : `${formatCount(contents)} values`;
  const ended = cancelled.length === 0 ? '' : `; ended ${cancelled.map(valueText).join(', ')}`;
  return `erased ${values} (${formatBytes(bytes)})${ended}`;
}
