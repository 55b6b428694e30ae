import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/**
 * Imported before the gateway, has it be one of an earlier version: entries may have 20,000 bytes
 * at most, and the last kind of entry, `value.part`, is not known yet.
 */
if (isMainThread) register(import.meta.url);

interface Loaded {
  readonly source?: string | ArrayBuffer | Uint8Array | undefined;
}

const changed = 'protocol/dist/mod.js';
const changes: readonly (readonly [now: string, then: string])[] = [
  ['list(orBytes(bytes(ENTRY_BYTES_MAX),carried)', 'list(orBytes(bytes(20_000),carried)'],
  ['entryKinds=Object.keys(kinds)', 'entryKinds=Object.keys(kinds).slice(0,-1)'],
];

/** A hook of Node's loader. */
export async function load(
  url: string,
  context: unknown,
  nextLoad: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith(changed)) return loaded;
  let source = new TextDecoder().decode(loaded.source as Uint8Array);
  for (const [now, then] of changes) {
    if (!source.includes(now)) throw new TypeError(`${changed} does not say ${now}`);
    source = source.replace(now, then);
  }
  return { ...loaded, source };
}
