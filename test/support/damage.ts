import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore, tableRange } from '@holdfast/agent/internal';
import { SimChance } from './sim-chance.ts';

export interface Damage {
  /** For people. */
  readonly what: string;
  /** Files whose bytes are not what they were. */
  readonly files: readonly string[];
}

/** Does something to a LevelDB directory that a dying card, or a person, may do. */
export async function damageStore(dir: string, seed: number): Promise<Damage> {
  const chance = new SimChance(seed);
  const pick = (below: number): number => Math.floor(chance.next() * below);
  const names = (await readdir(dir)).filter((name) => !name.startsWith('LO')).toSorted();
  const isRare = (name: string): boolean => /log$|MANIFEST|CURRENT/.test(name);
  const weighted = names.flatMap((name) => (isRare(name) ? [name, name] : name));
  const name = weighted[pick(weighted.length)] ?? '';
  const other = names[pick(names.length)] ?? '';
  const path = join(dir, name);
  const bytes = await readFile(path);
  const at = pick(Math.max(1, bytes.byteLength));
  const kinds: readonly (readonly [string, () => Promise<unknown>])[] = [
    [`cut ${name} at ${at} of ${bytes.byteLength}`, () => truncate(path, at)],
    [`empty ${name}`, () => truncate(path, 0)],
    [`delete ${name}`, () => rm(path)],
    [`zero ${name} from ${at}`, () => writeFile(path, zero(bytes, at, 1 + pick(8_192)))],
    [`noise in ${name} at ${at}`, () => writeFile(path, noise(bytes, at, chance))],
    [`flip a bit of ${name} at ${at}`, () => writeFile(path, flip(bytes, at, 1 << pick(8)))],
    [`swap ${name} and ${other}`, () => swap(dir, name, other)],
    [`foreign ${name}`, () => writeFile(path, 'this is not a file of LevelDB\n')],
    [`append to ${name}`, () => writeFile(path, Buffer.concat([bytes, chance.bytes(5_000)]))],
  ];
  const [what, act] = kinds[pick(kinds.length)] ?? ['nothing', async () => {}];
  await act();
  return { what, files: what.startsWith('swap') ? [name, other] : [name] };
}

/**
 * Changes entries in a store behind LevelDB's back, so that no check sum of its files tells of it:
 * as bad memory does, or a table that is too large to be read at a start.
 *
 * @returns Their keys.
 */
export async function damageRows(dir: string, seed: number): Promise<readonly Uint8Array[]> {
  const chance = new SimChance(seed);
  const pick = (below: number): number => Math.floor(chance.next() * below);
  const store = await openStore(dir);
  const rows = await store.scan({ ...tableRange('e'), limit: 100_000 });
  const at = pick(rows.length);
  const near = [0, 1 + pick(4), pick(rows.length)].slice(0, 1 + pick(3));
  const harmed = near.flatMap((step) => rows[(at + step) % rows.length] ?? []);
  for (const { key, value } of new Set(harmed)) {
    // Of the entry itself, which is behind the hash.
    const bit = 1 << pick(8);
    flip(Buffer.from(value.buffer, value.byteOffset), value.byteLength - 1 - pick(30), bit);
    await store.write([{ kind: 'put', key, value }]);
  }
  await store.close();
  return harmed.map(({ key }) => key);
}

function flip(bytes: Buffer, at: number, bit: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ bit;
  return bytes;
}

function noise(bytes: Buffer, at: number, chance: SimChance): Buffer {
  bytes.set(chance.bytes(Math.min(512, bytes.byteLength - at)), at);
  return bytes;
}

async function swap(dir: string, one: string, two: string): Promise<void> {
  await rename(join(dir, one), join(dir, 'swapping'));
  if (one !== two) await rename(join(dir, two), join(dir, one));
  await rename(join(dir, 'swapping'), join(dir, two));
}

function zero(bytes: Buffer, at: number, count: number): Buffer {
  return bytes.fill(0, at, Math.min(bytes.byteLength, at + count));
}
