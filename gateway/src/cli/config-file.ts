import { readFile } from 'node:fs/promises';
import {
  HoldfastError,
  messageOf,
  readSettings,
  type KnownSetting,
  type WrittenSetting,
} from '@holdfast/protocol';
import type { Command, Option } from 'commander';
import { parse } from 'smol-toml';
import { append } from './options.ts';

/** What a line of a file cannot decide: where the file is, and how to print. */
const notThere: ReadonlySet<string> = new Set(['config', 'output', 'debug', 'help']);

/**
 * Gives the options of a command what a TOML file says, by their names without dashes, unless they
 * are given on the command line or in the environment.
 *
 * @throws HF_CONFIG_INVALID, naming file and line.
 */
export async function applyConfig(command: Command, path: string): Promise<void> {
  const options = command.options.filter((option) => !notThere.has(option.name()));
  const written = readSettings({ path, text: await read(path) }, options.map(settingOf), parse);
  for (const setting of written) {
    const option = options.find((each) => each.name() === setting.name);
    if (option === undefined) continue;
    const name = option.attributeName();
    const source = command.getOptionValueSource(name);
    if (source === 'cli' || source === 'env') continue;
    command.setOptionValueWithSource(name, valueOf(option, setting), 'config');
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${messageOf(cause)}`);
  }
}

function settingOf(option: Option): KnownSetting {
  const kind = option.isBoolean() ? 'flag' : option.parseArg === append ? 'list' : 'text';
  return { name: option.name(), kind, choices: option.argChoices };
}

/** As the command line would have it. */
function valueOf(option: Option, { name, value, place }: WrittenSetting): unknown {
  if (typeof value === 'boolean') return value || undefined;
  if (typeof value !== 'string' || option.parseArg === undefined) return value;
  try {
    return option.parseArg(value, undefined);
  } catch (error) {
    throw invalid(`${place}: ${name} is ${value}: ${messageOf(error)}`);
  }
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}
