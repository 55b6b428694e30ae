import { HoldfastError, printable, wrapLine } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { editSettings } from './config-edit.ts';
import { addSettingsFile, checkSettingName, goesBefore } from './settings.ts';
import type { Shell } from './shell.ts';
import { nonEmpty } from './target.ts';

interface Flags {
  readonly config?: string;
}

const setAbout = `
Changes the line of the setting, or adds one; the rest of the file stays as it is, comments too. A
value that an agent would not start with is refused, and the file stays as it was. An agent that
runs goes by the new value once it is restarted.

Examples:
  holdfast config set retention 7d --config ./agent.toml
  sudo holdfast config set gateway mqtts://gw:8883 --config /etc/holdfast/agent.toml
`;

const unsetAbout = `
Takes the line of the setting out of the file, so that its default holds; the rest stays as it is.

Example:
  holdfast config unset retention --config ./agent.toml
`;

const RESTART =
  'An agent that runs goes by it once it is restarted: sudo systemctl restart holdfast';

export function addConfigSet(config: Command, shell: Shell): void {
  addSettingsFile(config.command('set'))
    .description('Change a setting in the file.')
    .argument('<name>', 'as in the file, such as retention')
    .argument('<value>', 'new value')
    .addHelpText('after', setAbout)
    .action((name: string, value: string, flags: Flags) =>
      change(shell, flags, { name, value: nonEmpty('the value', value) }),
    );
}

export function addConfigUnset(config: Command, shell: Shell): void {
  addSettingsFile(config.command('unset'))
    .description('Take a setting out of the file.')
    .argument('<name>', 'as in the file, such as retention')
    .addHelpText('after', unsetAbout)
    .action((name: string, flags: Flags) => change(shell, flags, { name, value: undefined }));
}

async function change(
  shell: Shell,
  flags: Flags,
  edit: { readonly name: string; readonly value: string | undefined },
): Promise<void> {
  const { name, value } = edit;
  checkSettingName(name);
  const file = nonEmpty('--config', flags.config);
  if (file === undefined) {
    const why = 'no file is named: give --config FILE, or set HOLDFAST_CONFIG';
    throw new HoldfastError('HF_USAGE', { why });
  }
  const { place, before } = await editSettings(file, edit);
  shell.print(doneText({ name, value, before, place }));
  if (before !== value) shell.say(wrapLine(RESTART, shell.width, 2));
  const stronger = await goesBefore(name, { file, place, env: shell.env });
  if (stronger !== undefined) shell.say(`${stronger} goes before it: that value holds`);
}

function doneText(done: {
  readonly name: string;
  readonly value: string | undefined;
  readonly before: string | undefined;
  readonly place: string;
}): string {
  const { name, value, place } = done;
  const before = done.before === undefined ? 'nothing' : printable(done.before);
  if (value === done.before) {
    return value === undefined
      ? `${name} is not in ${place}`
      : `${name} is ${before} already: ${place}`;
  }
  if (value === undefined) return `${name} is gone from ${place}; it was ${before}`;
  return `${name} is ${printable(value)} now: ${place}; it was ${before}`;
}
