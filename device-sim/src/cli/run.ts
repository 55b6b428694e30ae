import type { Command } from 'commander';
import { scenarioNames } from '../scenario/scenario-names.ts';
import type { RunFlags } from './run-flags.ts';

const epilog = `
Exit code 0: everything held; 9: a promise was violated. Ctrl-C ends it with a report of what has
been until then.

Examples:
  holdfast-sim run city-outage --devices 20 --hours 6 --seed 7 -o json
  holdfast-sim run storm --html storm.html --junit storm.xml
  holdfast-sim run my-site.toml --code workflows.js
  holdfast-sim run city-outage --real --devices 10 --minutes 2
`;

export function addRun(program: Command): void {
  program
    .command('run')
    .argument('<scenario>', `one of ${scenarioNames().join(', ')}; or a file, FILE.toml`)
    .description('Run a fleet in virtual time through a scenario, and judge every promise.')
    .option('--seed <number>', 'the same seed gives the same history, byte for byte', '1')
    .option('--devices <number>', 'instead of what the scenario says')
    .option('--hours <number>', 'of virtual time, instead of what the scenario says')
    .option('--code <file>', 'workflows of your own, and what they call: `handlers`')
    .option('--real', 'real agents, broker, stores and signals, in real time', false)
    .option('--minutes <number>', 'with --real: how long; the times of the scenario shrink (1)')
    .option('--broker <url>', 'with --real: of a broker that is there, mqtt://host:port')
    .option('-o, --output <format>', 'text or json', 'text')
    .option('--report <file>', 'write the report as JSON there too')
    .option('--junit <file>', 'write it as JUnit XML there')
    .option('--html <file>', 'write it there as one page with plots, which needs no network')
    .addHelpText('after', epilog)
    .action(async (name: string, flags: RunFlags) => {
      // What a world takes is loaded for a world only.
      const { run } = await import('./run-scenario.ts');
      await run(name, flags);
    });
}
