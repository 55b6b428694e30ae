import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  badPaths,
  hostile,
  mostHostile,
  outcomeOf,
  typeIn,
  type HostileTable,
} from './bad-lines.ts';
import { leavesOf, type Leaf } from './programs.ts';

/** A gateway that runs. */
interface Asked {
  readonly url: string;
  readonly tokenFile: string;
}

type Beside = (option: string | undefined, asked: Asked) => readonly string[];

/** Say which gateway it is, each alone, or with what it goes with. */
const addresses: ReadonlyMap<string | undefined, Beside> = new Map<string | undefined, Beside>([
  ...['--url', '--data-dir', '--context', '--ledger', '--ledger-file'].map(
    (name) => [name, () => []] as const,
  ),
  ...['--token-file', '--tls-ca'].map(
    (name) => [name, (_: unknown, { url }: Asked) => [`--url=${url}`]] as const,
  ),
]);

const nothing: Beside = () => [];

/** What ask no gateway, or go on until they are ended: with what ends them. */
const own: Readonly<Record<string, Beside>> = {
  // All else is read before the directory, which is a file, and that before the port is taken.
  serve: (tried, { url }) =>
    tried === '--data-dir'
      ? ['--mqtt-port=0', `--http-port=${new URL(url).port}`]
      : ['--data-dir=taken'],
  'ca init': nothing,
  'broker-config': nothing,
  'keys export': (tried) => [
    ...(tried === '--data-dir' ? [] : ['--data-dir=stopped']),
    ...(tried === '--out' ? [] : ['--out=other.keys']),
  ],
  'keys import': (tried) => (tried === '--data-dir' ? [] : ['--data-dir=imported']),
  'context ls': nothing,
  'context set': (tried) =>
    ['--url', '--data-dir', '--ledger-file'].includes(tried ?? '') ? [] : ['--url=http://gw'],
  'context use': nothing,
  'context rm': nothing,
  'ledger migrate': nothing,
  'ledger copy': (tried) => (tried === '--data-dir' ? ['--ledger=x'] : ['--data-dir=stopped']),
  'ledger rebuild': nothing,
  explain: nothing,
  version: nothing,
  completion: nothing,
};

/** Beside the gateway: that it is meant, and whom it is about. */
function meant({ name, command }: Leaf, option: string | undefined): readonly string[] {
  const has = (long: string) => command.options.some((each) => each.long === long);
  const isTarget = option === '--device' || option === '--tag';
  return [
    ...(has('--yes') ? ['--yes'] : []),
    ...(name === 'revoke' && option !== '--confirm' ? ['--confirm=x'] : []),
    ...(name === 'user set' ? ['--role=viewer'] : []),
    ...(/^c(?:ommand|all) /.test(name) && has('--all') && !isTarget ? ['--all'] : []),
  ];
}

const words: Readonly<Record<string, readonly string[]>> = {
  'broker-config': ['emqx.conf'],
  'command set': ['x', '1'],
  'keys import': ['good.keys'],
};

/** They make keys, and what they are told to make; or go over the whole ledger. */
const slow: ReadonlySet<string> = new Set([
  ...['ca init', 'keys export', 'keys import', 'ledger erase'],
]);
/** What they make is not in the way of others. */
const newPaths: readonly string[] = ['', 'new/place', 'a\u0000b'];

function valuesOf({ name }: Leaf, option: string | undefined): readonly string[] {
  if (option === '--data-dir' && (name === 'serve' || slow.has(name))) return newPaths;
  if (slow.has(name)) return badPaths;
  if (process.env['HOSTILE'] === 'all') return hostile;
  // They are read in one place for all of the others.
  return addresses.has(option) && name !== 'devices' ? badPaths : mostHostile;
}

/** Lines for every command of a gateway. @throws for one that nobody has thought of. */
export async function gatewayTable(program: Command, asked: Asked): Promise<HostileTable> {
  // The contexts of whoever runs this stay as they are.
  process.env['XDG_CONFIG_HOME'] = resolve('config');
  // Each line of `serve` would wait for a signal.
  process.setMaxListeners(0);
  writeFileSync('taken', '');
  await prepare(program, 'ca', 'init', '--data-dir=stopped');
  await prepare(program, 'keys', 'export', '--data-dir=stopped', '--out=good.keys');
  const at = [`--url=${asked.url}`, `--token-file=${asked.tokenFile}`];
  return {
    program,
    leaves: leavesOf(program),
    values: valuesOf,
    fixed: (leaf, option) => {
      const fixed = own[leaf.name];
      if (fixed !== undefined) return fixed(option, asked);
      if (!leaf.command.options.some(({ long }) => long === '--url')) {
        throw new Error(`nothing is known of what ends ${leaf.name}`);
      }
      return [...(addresses.get(option)?.(option, asked) ?? at), ...meant(leaf, option)];
    },
    words: ({ name }) => words[name],
    untried: () => new Set(),
    typed: [
      { args: ['user', 'add', 'x', '--role=viewer', ...at], texts: badPaths },
      { args: ['user', 'set', 'y', '--password', ...at], texts: ['', ...mostHostile] },
      { args: ['keys', 'export', '--data-dir=stopped', '--out=typed.keys'], texts: badPaths },
      { args: ['keys', 'import', 'good.keys', '--data-dir=imported'], texts: badPaths },
      { args: ['command', 'start', 'x', '--all', '--input=@-', ...at], texts: mostHostile },
    ],
  };
}

async function prepare(program: Command, ...args: readonly string[]): Promise<void> {
  typeIn('a long enough passphrase\n');
  const { text } = await outcomeOf(program, args);
  if (text !== undefined) throw new Error(`${args.join(' ')}: ${text}`);
}
