import { paint, printable, renderTable, wrapLine } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { addConfigGet } from './config-get.ts';
import { addConfigSet, addConfigUnset } from './config-set.ts';
import { formatOption, type Format } from './output-format.ts';
import { runOptions } from './run-options.ts';
import {
  addSettings,
  checkNeeded,
  describeSettings,
  findSettings,
  type FoundSettings,
} from './settings.ts';
import type { Shell } from './shell.ts';

const listAbout = `
Takes the options of \`holdfast run\`, and shows what an agent that is started with them, in this
environment, would go by. Files with secrets are named, never read.

Examples:
  holdfast config list --config ./agent.toml
  holdfast config list --config ./agent.toml --doc
`;

const lintAbout = `
Exits with 0 when \`holdfast run\` with the same options would take them, else with 2 or 78 and says
what is wrong and in which line. Opens no store and loads no code.

Example:
  holdfast config lint --config ./agent.toml
`;

export function addConfig(program: Command, shell: Shell): void {
  const config = program
    .command('config')
    .description('Look at the settings of an agent, and change them.');
  addSettings(config.command('list'))
    .description('Show every setting, its value, and where that comes from.')
    .option('--doc', 'say what each is for')
    .addOption(formatOption())
    .addHelpText('after', listAbout)
    .action(async (flags: { readonly doc?: true; readonly output: Format }, self: Command) => {
      const found = await findSettings(self);
      const isJson = flags.output === 'json';
      shell.print(isJson ? listJson(found) : listScreen(found, flags.doc === true, shell));
    });
  addSettings(config.command('lint'))
    .description('Check the settings of an agent without starting it.')
    .addHelpText('after', lintAbout)
    .action(async (_: unknown, self: Command) => {
      const found = await findSettings(self);
      checkNeeded(found);
      runOptions(found, {}, shell.env);
      shell.print(`ok: ${found.size} settings`);
    });
  addConfigGet(config, shell);
  addConfigSet(config, shell);
  addConfigUnset(config, shell);
}

function listJson(found: FoundSettings): string {
  const settings = Object.fromEntries(
    [...describeSettings().keys()].map((name) => [name, found.get(name) ?? null]),
  );
  return JSON.stringify({ schema: 'holdfast.config/1', settings });
}

function listScreen(found: FoundSettings, withWords: boolean, shell: Shell): string {
  const rows = [...describeSettings()].map(([name, description]) => {
    const { value, place } = found.get(name) ?? { value: '-', place: '-' };
    return { name, value, place, description };
  });
  if (!withWords) {
    const cells = rows.map(({ name, value, place }) => [name, value, place]);
    return renderTable([{ title: 'setting' }, { title: 'value' }, { title: 'from' }], cells, shell);
  }
  const lines = rows.flatMap(({ name, value, place, description }) => {
    const from = place === '-' ? '' : `  (${place})`;
    const title = `${paint(name, 'cyan', shell.color)}  ${printable(value)}${from}`;
    return [title, `  ${description}`];
  });
  return lines.map((line) => wrapLine(line, shell.width, 2)).join('\n');
}
