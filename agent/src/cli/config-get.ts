import { Exit } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import { addSettings, checkSettingName, findSettings } from './settings.ts';
import type { Shell } from './shell.ts';

const about = `
The value goes to stdout, and where it comes from to stderr. Takes the options of \`holdfast run\`,
too. Exits with 1 where the setting has no value.

Examples:
  holdfast config get retention --config ./agent.toml
  holdfast config get data-dir --config ./agent.toml 2> /dev/null
`;

export function addConfigGet(config: Command, shell: Shell): void {
  addSettings(config.command('get'), { isHidden: true })
    .description('Show one setting, and where its value comes from.')
    .argument('<name>', 'as in the file, such as retention')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (name: string, flags: { readonly output: Format }, self: Command) => {
      checkSettingName(name);
      const found = (await findSettings(self)).get(name);
      if (flags.output === 'json') {
        const settings = { [name]: found ?? null };
        shell.print(JSON.stringify({ schema: 'holdfast.config/1', settings }));
      } else if (found !== undefined) {
        shell.print(found.value);
        shell.say(`from ${found.place}`);
      } else shell.say(`${name} has no value`);
      if (found === undefined) process.exitCode = Exit.failed;
    });
}
