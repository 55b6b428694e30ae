import type { Command } from 'commander';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

const about = `
The text format of Prometheus. The agent serves the same on its socket, under /metrics. Counters
count since the agent started.

Examples:
  holdfast metrics
  holdfast metrics > /var/lib/node_exporter/holdfast.prom
`;

export function addMetrics(program: Command, shell: Shell): void {
  addTarget(program.command('metrics'))
    .description('Print what the agent counts and measures.')
    .addHelpText('after', about)
    .action(async (flags: TargetFlags) => {
      shell.write(await withAgent(shell, flags, (agent) => agent.metrics()));
    });
}
