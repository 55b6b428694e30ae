import type { Command } from 'commander';
import { jsonArgument } from './json-argument.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly id?: string;
  readonly subject?: string;
}

const about = `
The signal is on stable storage once this command has ended with 0. It is kept until the
run waits for it.

The signal belongs to the trace that TRACEPARENT names, where it is set.

Examples:
  holdfast signal order-1009 picked-up
  holdfast signal order-1009 picked-up '{"by":"Ada"}' --id scan-77
`;

export function addSignal(program: Command, shell: Shell): void {
  addTarget(program.command('signal'))
    .description('Send input to a run.')
    .argument('<run>', 'id of the run')
    .argument('<name>', 'name of the signal')
    .argument('[json]', 'payload as JSON, @FILE, or @- for stdin')
    .option('--id <id>', 'signals with the same id count once')
    .option('--subject <id>', 'whom it is about, to be erased by later')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (run: string, name: string, json: string | undefined, flags: Flags) => {
      const payload = json === undefined ? undefined : await jsonArgument(json);
      const { id, subject } = flags;
      const traceparent = shell.env['TRACEPARENT'];
      const signal = { name, payload, id, subject, traceparent };
      const sent = await withAgent(shell, flags, (agent) =>
        withRun(agent, run, (found) => agent.signal({ ...signal, run: found })),
      );
      shell.print(
        flags.output === 'json'
          ? JSON.stringify(sent)
          : `signalled ${valueText(sent.run)}: ${valueText(name)}`,
      );
    });
}
