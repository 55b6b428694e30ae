import { lanes, type Lane } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { jsonArgument } from './json-argument.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly lane: Lane;
  readonly subject?: string;
}

const about = `
The event is on stable storage once this command has ended with 0, and reaches the ledger
once, when there is a link. Alarms take the urgent lane, measurements the bulk lane.

Examples:
  holdfast emit door-opened '{"door":3}'
  holdfast emit temperature '{"celsius":4.2}' --lane bulk
`;

export function addEmit(program: Command, shell: Shell): void {
  addTarget(program.command('emit'))
    .description('Journal a fact for the cloud.')
    .argument('<name>', 'name of the event')
    .argument('[json]', 'payload as JSON, @FILE, or @- for stdin')
    .addOption(new Option('--lane <lane>', 'how urgent it is').choices(lanes).default('normal'))
    .option('--subject <id>', 'whom it is about, to be erased by later')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (name: string, json: string | undefined, flags: Flags) => {
      const payload = json === undefined ? undefined : await jsonArgument(json);
      const event = { name, payload, lane: flags.lane, subject: flags.subject };
      const sent = await withAgent(shell, flags, (agent) => agent.emit(event));
      shell.print(flags.output === 'json' ? JSON.stringify(sent) : `emitted ${valueText(name)}`);
    });
}
