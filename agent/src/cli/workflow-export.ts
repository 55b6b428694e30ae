import { Option, type Command } from 'commander';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly reveal?: true;
}

const about = `
Prints JSON of the schema holdfast.history/1: each entry with its bytes, which are what a
replay is fed with, and with what they say. It has what the run was given and what its steps
returned: keep it as secret as these. What is marked local or redacted is left out of it
unless you ask for it with --reveal; a replay needs it.

Examples:
  holdfast workflow export order-1009 > order-1009.json
  holdfast workflow export order-1009 --reveal > order-1009.secret.json
`;

export function addWorkflowExport(parent: Command, shell: Shell): void {
  addTarget(parent.command('export'))
    .description('Print the history of a run, to replay it against code.')
    .argument('<run>', 'id of the run')
    .option('--reveal', 'with what is marked local or redacted')
    .addOption(new Option('-o, --output <format>', 'always JSON').choices(['json']))
    .addHelpText('after', about)
    .action(async (run: string, flags: Flags) => {
      const history = await readAgent(shell, flags, (agent) =>
        withRun(agent, run, (id) => agent.history(id, flags)),
      );
      // Over several lines, so that a history kept beside code shows its changes.
      shell.print(JSON.stringify(history, null, 2));
    });
}
