import { HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { jsonArgument } from './json-argument.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly error?: string;
}

const about = `
The token is what the body of the step has handed out. The outcome is on stable storage once
this command has ended with 0.

Examples:
  holdfast complete hft_1_2_6b0c… '{"approved":true}'
  holdfast complete hft_1_2_6b0c… --error 'nobody was at home'
`;

export function addComplete(program: Command, shell: Shell): void {
  addTarget(program.command('complete'))
    .description('Complete or fail a step that waits for somebody outside.')
    .argument('<token>', 'of the step, such as hft_1_2_6b0c…')
    .argument('[json]', 'what the step resolves with, as JSON, @FILE, or @- for stdin')
    .option('--error <text>', 'the step fails with this instead, and is not tried again')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (token: string, json: string | undefined, flags: Flags) => {
      const { error } = flags;
      if (json !== undefined && error !== undefined) {
        throw new HoldfastError('HF_USAGE', { why: 'give either a result or --error, not both' });
      }
      const result = json === undefined ? undefined : await jsonArgument(json);
      const sent = await withAgent(shell, flags, (agent) =>
        agent.complete({ token, result, error }),
      );
      const text = error === undefined ? 'completed the step' : 'failed the step';
      shell.print(flags.output === 'json' ? JSON.stringify(sent) : text);
    });
}
