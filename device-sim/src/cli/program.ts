import { Exit, HELP_WIDTH, HoldfastError, reflow } from '@holdfast/protocol';
import { Command } from 'commander';
import { addAbout } from './about.ts';
import { addCompletion } from './completion.ts';
import { addDevice } from './device.ts';
import { addRun } from './run.ts';
import { addSize } from './size.ts';
import { addSoak } from './soak.ts';
import { version } from '../version.ts';

const about = `
Of an option that is given twice the last one counts.
Exit codes: 0 ok, 1 failed, 2 usage, 9 a promise was violated, 78 unreadable.
`;

/** The command line of `holdfast-sim`. What its actions throw names the exit code. */
export function createSimProgram(): Command {
  const program = new Command('holdfast-sim')
    .description('The proving ground of Holdfast: fleets, faults, and a judge of every promise.')
    .version(version(), '-V, --version', 'print the version')
    .configureHelp({ minWidthToWrap: 20 })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(reflow(text, HELP_WIDTH)),
      outputError: () => undefined,
    })
    .addHelpText('after', about);
  addDemo(program);
  addRun(program);
  addSoak(program);
  addDevice(program);
  addSize(program);
  addAbout(program);
  addCompletion(program);
  return program;
}

function addDemo(program: Command): void {
  program
    .command('demo')
    .description('Sell at a kiosk through an outage and two kills, and count everything.')
    .option('--orders <count>', 'orders to take, 20 to 500', '24')
    .option('--json', 'end with one JSON object on stdout; the story goes to stderr', false)
    .option('--keep', 'leave everything running to look at, until Ctrl-C', false)
    .addHelpText('after', '\nExamples:\n  holdfast-sim demo\n  holdfast-sim demo --json\n')
    .action(async (flags: { orders: string; json: boolean; keep: boolean }) => {
      const orders = Number(flags.orders);
      if (!Number.isInteger(orders) || orders < 20 || orders > 500) {
        throw new HoldfastError('HF_USAGE', {
          why: `--orders is ${flags.orders}; it must be a whole number from 20 to 500`,
        });
      }
      const { runDemo } = await import('../demo/demo.ts');
      process.exitCode = (await runDemo({ ...flags, orders })) ? Exit.ok : Exit.failed;
    });
}
