import { posix } from 'node:path';
import type { Source, Violation } from './source.ts';

const products = ['agent', 'gateway'] as const;
/** What describes JSON; nothing of it is loaded by a command. */
const SCHEMA = 'protocol/json-schema';
const internals = ['agent/internal', 'agent/testing', 'gateway/internal'] as const;

/**
 * What each place may import: other places, `node:`, and packages by name. `*` is anything.
 * `agent` and `gateway` stand for the published entry points, `…/internal` for what the house
 * itself may use of them.
 */
const table: Readonly<Record<string, readonly string[]>> = {
  'protocol/base': ['protocol/base'],
  'protocol/wire': ['protocol/base', 'protocol/wire', 'cbor-x'],
  protocol: ['protocol', 'protocol/base', 'protocol/wire'],
  // What the pages of both products are made of.
  'protocol/web': ['protocol/web', 'protocol/base', 'protocol', 'preact', 'preact/hooks'],
  ...Object.fromEntries(products.flatMap((product) => Object.entries(productTable(product)))),
  'device-sim': [
    ...['device-sim', 'protocol', SCHEMA, ...products, ...internals],
    ...['node:', 'commander', 'smol-toml'],
  ],
  examples: ['agent', 'gateway', 'examples', 'node:'],
  test: ['*'],
  bench: ['*'],
  packaging: ['packaging', 'root', 'node:', 'agent', 'esbuild'],
  root: ['root', 'node:', 'packaging'],
};

function productTable(product: string): Record<string, readonly string[]> {
  const own = (place: string): string => `${product}/${place}`;
  const cloud = ['aedes', 'ajv', 'fastify', '@fastify/swagger', 'mqtt', 'pg', 'ws', SCHEMA];
  const io = product === 'agent' ? ['mqtt', 'node-cron', 'p-retry', 'ws'] : cloud;
  // The codec takes a while to load: what only asks and prints does without it.
  const light = ['protocol', 'protocol/base', 'node:'];
  const inside = [own('core'), own('io'), own('root'), own('api'), ...light];
  const cli = [
    own('core'),
    own('root'),
    own('api'),
    own('cli'),
    ...light,
    'commander',
    'smol-toml',
  ];
  return {
    [own('core')]: [own('core'), 'protocol', 'protocol/base'],
    [own('io')]: [own('core'), own('io'), 'protocol', 'node:', 'level', 'p-retry', ...io],
    [own('root')]: inside,
    [own('api')]: inside,
    // Runs in a browser: of the rest of the product it has types and what formats numbers.
    [own('web')]: [
      ...['web', 'client', 'core'].map(own),
      ...['protocol/web', 'protocol/base', 'preact', 'preact/hooks'],
    ],
    // Runs wherever there is fetch, with nothing else.
    [own('client')]: [own('client')],
    [own('schemas')]: [own('schemas'), own('core'), own('io'), 'protocol/base', SCHEMA],
    [own('internals')]: [...inside, own('cli'), own('schemas')],
    [own('cli')]: cli,
    // Shipped to users: the runtime's core over a world in memory.
    [own('testing')]: [own('core'), own('io'), own('testing'), 'protocol', 'node:'],
    [own('lint')]: [own('lint'), 'eslint', 'estree'],
  };
}

/** The place of a file, by its path; undefined: the house has no such place. */
export function placeOf(path: string): string | undefined {
  const [top = '', ...rest] = path.split('/');
  if (rest.length === 0) return 'root';
  if (['test', 'bench', 'examples', 'packaging'].includes(top)) return top;
  if (rest[0] === 'bin') return 'test';
  if (rest[0] === 'web') return `${top}/web`;
  if (rest[0] !== 'src') return undefined;
  if (top === 'device-sim') return top;
  const [part = '', ...deeper] = rest.slice(1);
  if (top === 'protocol') return deeper.length === 0 ? top : `${top}/${part}`;
  if (deeper.length > 0) return `${top}/${part}`;
  if (part === 'internal.ts') return `${top}/internals`;
  return part === `${top}.ts` ? `${top}/root` : `${top}/api`;
}

/** The place or package that a specifier leads to. */
function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier);
    return placeOf(target) ?? target;
  }
  if (specifier.startsWith('node:')) return 'node:';
  if (specifier.startsWith('@holdfast/')) return specifier.slice('@holdfast/'.length);
  return specifier;
}

/** Imports that the layers do not allow. */
export function checkLayers(source: Source): Violation[] {
  const place = placeOf(source.path);
  const allowed = place === undefined ? undefined : table[place];
  if (place === undefined || allowed === undefined) {
    return [{ path: source.path, line: 1, rule: 'the file is in a place that the house has' }];
  }
  return source.imports
    .filter(({ specifier }) => !mayImport(allowed, targetOf(source.path, specifier)))
    .map(({ line, specifier }) => ({
      path: source.path,
      line,
      rule: `${place} does not import ${specifier}`,
    }));
}

function mayImport(allowed: readonly string[], target: string): boolean {
  return allowed.includes('*') || allowed.includes(target);
}
