import type { Command } from 'commander';
import { keyHelp } from '../device/key-help.ts';

export interface DeviceFlags {
  readonly gateway: string;
  readonly device: string;
  readonly code?: string;
  readonly input: string;
  readonly dataDir?: string;
}

export function addDevice(program: Command): void {
  const keys = Object.entries(keyHelp).map(([key, what]) => `  ${key}  ${what}`);
  program
    .command('device')
    .description('One device, with its surroundings in your hand.')
    .requiredOption('--gateway <url>', 'mqtt://host:port of the gateway, or of its broker')
    .option('--device <id>', 'its identity', 'hand-held')
    .option('--code <file>', 'workflows; without it, checkout and nap of the simulator')
    .option('--input <json>', 'what runs are given', '{"id":"1","quantity":1,"napMs":10000}')
    .option('--data-dir <dir>', 'where its journal lies; without it, it is gone at the end')
    .addHelpText(
      'after',
      `\nKeys:\n${keys.join('\n')}\n\nWithout a terminal it reads keys from stdin.\n`,
    )
    .action(async (flags: DeviceFlags) => {
      const { hold } = await import('./hold-device.ts');
      await hold(flags);
    });
}
