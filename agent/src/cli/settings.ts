import { HoldfastError, nearestName } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { SOCKET_NAME } from '../core/surface.ts';
import { nonEmpty } from './target.ts';

/** A setting of the agent: an option, a variable, and a line of a file, by one name. */
function setting(name: string, value: string, description: string): Option {
  const variable = `HOLDFAST_${name.toUpperCase().replaceAll('-', '_')}`;
  return new Option(`--${name} <${value}>`, description).env(variable);
}

/** Every setting, in the order of the help. Made anew for each command that has them. */
const settings = (): readonly Option[] => [
  setting('data-dir', 'dir', 'where the journal is'),
  setting('device', 'id', 'identity of this device: A-Z a-z 0-9 _ -'),
  setting('code', 'file', 'ES module that exports the workflows'),
  setting('gateway', 'url', 'mqtt:, mqtts:, ws: or wss://host:port; without it, none'),
  setting('broker-profile', 'name', 'whose limits the broker has, such as aws; default generic'),
  setting('mqtt-version', 'number', 'the MQTT that the broker speaks: 3.1.1 (default) or 5'),
  setting('tls-ca', 'file', 'PEM: what to trust of the gateway; default: what the system trusts'),
  setting('tls-cert', 'file', 'PEM: certificate to show to the broker; needs --tls-key'),
  setting('tls-key', 'file', 'PEM: its private key'),
  setting('password-file', 'file', 'password for the broker; the user is the device id'),
  setting('proxy', 'url', 'http://[user@]host:port that opens the way to the gateway (CONNECT)'),
  setting('proxy-password-file', 'file', 'password for the proxy; the user is in the URL'),
  setting('socket', 'path', `default: ${SOCKET_NAME} in the data directory`),
  setting('page-port', 'port', 'serves a page of this device on loopback, such as 8441'),
  setting('store-key-file', 'path', 'encrypts the store: 32 bytes, plain, hex or base64'),
  setting('machine', 'name', 'tells this machine from others, or none; default: its hardware'),
  setting('retention', 'duration', 'how long runs that have ended are kept, such as 7d'),
  setting('retention-bytes', 'size', 'what the ledger has may take; default a quarter of all'),
  setting('journal-max-bytes', 'size', 'budget of the journal, such as 256M; default 1G'),
  setting('disk-reserve', 'size', 'kept free on the disk, such as 32M; default 64M or a sixteenth'),
  setting('reconnect-max', 'duration', 'longest pause before the next try; default 1m'),
  setting('link-budget', 'size', 'what the link may carry, such as 10M/month or 300K/day'),
  setting('link-window', 'when', "when it is used, such as '0 2 * * * for 30m'; several with ;"),
  setting(
    'link-urgent',
    'when',
    'calls, receipts, alarms: always (default), or as-the-rest',
  ).choices(['always', 'as-the-rest']),
  setting('home-assistant', 'url', 'broker of a Home Assistant that shows this device'),
  setting('home-assistant-password-file', 'file', 'its password; the user is in the URL'),
  setting('log-format', 'format', 'of stderr').choices(['text', 'json']).default('text'),
];

/** Without these there is no agent. */
const needed: readonly string[] = ['data-dir', 'device', 'code'];

/** Where a value was found. */
export type Origin = 'option' | 'variable' | 'file' | 'default';

export interface FoundSetting {
  readonly value: string;
  readonly origin: Origin;
  /** The option, the variable, or the file with its line. */
  readonly place: string;
}

/** Settings by their names, as in a file. */
export type FoundSettings = ReadonlyMap<string, FoundSetting>;

export function addSettings(command: Command, { isHidden = false } = {}): Command {
  for (const option of settings()) command.addOption(option.hideHelp(isHidden));
  return addSettingsFile(command);
}

/** Adds the option that names the file, alone. */
export function addSettingsFile(command: Command): Command {
  return command.addOption(
    new Option('--config <file>', 'TOML with settings, and drop-ins beside it').env(
      'HOLDFAST_CONFIG',
    ),
  );
}

/**
 * Every setting that has a value: from the command line, else from the environment, else from the
 * file that `--config` names, else its default. An empty variable counts as unset.
 *
 * @throws HF_CONFIG_INVALID naming file and line, HF_USAGE for an option that is empty.
 */
export async function findSettings(command: Command): Promise<FoundSettings> {
  const known = settings();
  const config = command.getOptionValue('config') as string | undefined;
  const fromFile =
    config === undefined || config === ''
      ? new Map<string, FoundSetting>()
      : await (await import('./config-file.ts')).readConfig(config, known);
  return new Map(
    known.flatMap((option): [string, FoundSetting][] => {
      const found = given(option, command) ?? fromFile.get(option.name()) ?? byDefault(option);
      return found === undefined ? [] : [[option.name(), found]];
    }),
  );
}

function given(option: Option, command: Command): FoundSetting | undefined {
  const name = option.attributeName();
  const value: unknown = command.getOptionValue(name);
  const source = command.getOptionValueSource(name);
  if (typeof value !== 'string') return undefined;
  if (source === 'cli') {
    const place = `--${option.name()}`;
    return { value: nonEmpty(place, value), origin: 'option', place };
  }
  if (source !== 'env' || value === '') return undefined;
  return { value, origin: 'variable', place: option.envVar ?? '' };
}

function byDefault(option: Option): FoundSetting | undefined {
  const value: unknown = option.defaultValue;
  return typeof value === 'string' ? { value, origin: 'default', place: 'default' } : undefined;
}

/** @throws HF_USAGE when what every agent needs is not there. */
export function checkNeeded(found: FoundSettings): void {
  const missing = needed.filter((name) => !found.has(name));
  if (missing.length === 0) return;
  const names = missing.map((name) => `--${name}`).join(', ');
  const why = `required: ${names}, as options, as variables or in the file of --config`;
  throw new HoldfastError('HF_USAGE', { why });
}

/** @throws HF_USAGE for a name that no setting has, with the one that was most likely meant. */
export function checkSettingName(name: string): void {
  const names = settings().map((option) => option.name());
  if (names.includes(name)) return;
  const nearest = nearestName(name.toLowerCase().replaceAll('_', '-'), names);
  const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  throw new HoldfastError('HF_USAGE', { why: `there is no setting ${name}${meant}` });
}

/**
 * The settings in the text of one file.
 *
 * @throws HF_CONFIG_INVALID naming file and line.
 */
export async function settingsInText(file: {
  readonly path: string;
  readonly text: string;
}): Promise<FoundSettings> {
  return new Map((await import('./config-file.ts')).settingsIn(file, settings()));
}

/**
 * What goes before the line of the file itself: the variable, or a drop-in beside the file.
 * `undefined`: the line is what counts.
 */
export async function goesBefore(
  name: string,
  { file, place, env }: { readonly file: string; readonly place: string; readonly env: Env },
): Promise<string | undefined> {
  const { envVar } = settings().find((option) => option.name() === name) ?? {};
  if (envVar !== undefined && (env[envVar] ?? '') !== '') return envVar;
  const { readConfig } = await import('./config-file.ts');
  const found = (await readConfig(file, settings())).get(name)?.place;
  return found === place ? undefined : found;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What each setting is, in words. */
export function describeSettings(): ReadonlyMap<string, string> {
  return new Map(settings().map((option) => [option.name(), option.description]));
}
