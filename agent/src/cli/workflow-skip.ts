import type { Command } from 'commander';
import { jsonArgument } from './json-argument.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

const about = `
The step resolves with what is given, or with nothing, and its body is not run again: you
answer for its effect.

Examples:
  holdfast workflow skip order-1009 print-label
  holdfast workflow skip order-1009 authorize-payment '{"id":"cash-17"}'
`;

export function addWorkflowSkip(parent: Command, shell: Shell): void {
  addTarget(parent.command('skip'))
    .description('Give a step that a run is at its outcome by hand.')
    .argument('<run>', 'id of the run')
    .argument('<step>', 'name of the step')
    .argument('[json]', 'what the step resolves with, as JSON, @FILE, or @- for stdin')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (run: string, step: string, json: string | undefined, flags: Flags) => {
      const result = json === undefined ? undefined : await jsonArgument(json);
      const sent = await withAgent(shell, flags, (agent) =>
        withRun(agent, run, (id) => agent.skip({ run: id, step, result })),
      );
      const text = `skipped ${valueText(step)} of ${valueText(sent.run)}`;
      shell.print(flags.output === 'json' ? JSON.stringify(sent) : text);
    });
}

interface Flags extends TargetFlags {
  readonly output: Format;
}
