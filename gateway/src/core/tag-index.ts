import type { Tag } from './dispatch.ts';
import type { Draft } from './ledger-draft.ts';
import { NO_BYTES } from '@holdfast/protocol';
import { behind, deviceOfTagged, taggedKey, taggedWith } from './ledger-keys.ts';
import type { Reads } from './ledger-store.ts';

/** Has a device be found by these tags, instead of those that it had. */
export function moveTags(
  draft: Pick<Draft, 'put' | 'delete'>,
  device: string,
  { before, after }: { readonly before: readonly Tag[]; readonly after: readonly Tag[] },
): void {
  for (const tag of before) draft.delete(taggedKey(tag, device));
  for (const tag of after) draft.put(taggedKey(tag, device), NO_BYTES);
}

/** Ids of devices that have a tag, in their order, behind that of `after`. */
export async function readTagged(
  store: Reads,
  tag: Tag,
  { after = '', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly string[]> {
  const from = taggedKey(tag, `${after}\0`);
  const rows = await store.scan({ from, to: behind(taggedWith(tag)), limit });
  return rows.map(({ key }) => deviceOfTagged(key, tag));
}
