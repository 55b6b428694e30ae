import type { Command } from 'commander';

export interface SoakFlags {
  readonly minutes: string;
  readonly scenario: string;
  readonly seed?: string;
  readonly code?: string;
}

export function addSoak(program: Command): void {
  program
    .command('soak')
    .description('Run seed after seed, until a promise is violated.')
    .option('--minutes <number>', 'how long, in real time', '10')
    .option('--scenario <name>', 'what goes wrong: a name, or FILE.toml', 'storm')
    .option('--seed <number>', 'the first seed; without it chance decides')
    .option('--code <file>', 'workflows of your own, where the scenario starts some')
    .addHelpText(
      'after',
      `
A failure is made smaller, to the fewest devices and faults that still fail, and written into the
current directory as a scenario of its own; the command that shows it again is printed.
`,
    )
    .action(async (flags: SoakFlags) => {
      const { soak } = await import('./soak-seeds.ts');
      await soak(flags);
    });
}
