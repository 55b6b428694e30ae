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

const changes: readonly (readonly [file: string, now: string, then: string])[] = [
  [
    'protocol/dist/wire/messages.js',
    'list(orBytes(bytes(ENTRY_BYTES_MAX), carried)',
    'list(orBytes(bytes(20_000), carried)',
  ],
  [
    'protocol/dist/wire/entry.js',
    'const entryKinds = Object.keys(kinds);',
    'const entryKinds = Object.keys(kinds).slice(0, -1);',
  ],
];

/** A hook of Node's loader. */
export async function load(
  url: string,
  context: unknown,
  nextLoad: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const change = changes.find(([file]) => url.endsWith(file));
  if (change === undefined) return loaded;
  const [file, now, then] = change;
  const source = new TextDecoder().decode(loaded.source as Uint8Array);
  if (!source.includes(now)) throw new TypeError(`${file} does not say ${now}`);
  return { ...loaded, source: source.replace(now, then) };
}
