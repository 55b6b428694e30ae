import { Option, type Command } from 'commander';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, withRun, type TargetFlags } from './target.ts';

const about = `
Prints JSON of the schema holdfast.history/1: each entry with its bytes, which are what a
replay is fed with, and with what they say. It has what the run was given and what its steps
returned: keep it as secret as these.

Examples:
  holdfast workflow export order-1009 > order-1009.json
`;

export function addWorkflowExport(parent: Command, shell: Shell): void {
  addTarget(parent.command('export'))
    .description('Print the history of a run, to replay it against code.')
    .argument('<run>', 'id of the run')
    .addOption(new Option('-o, --output <format>', 'always JSON').choices(['json']))
    .addHelpText('after', about)
    .action(async (run: string, flags: TargetFlags) => {
      const history = await readAgent(shell, flags, (agent) =>
        withRun(agent, run, (id) => agent.history(id)),
      );
      // Over several lines, so that a history kept beside code shows its changes.
      shell.print(JSON.stringify(history, null, 2));
    });
}
