import { readTagsBody } from '../core/api-command.ts';
import { readTags } from './command-issue.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { show, type Terminal } from './terminal.ts';

/** Gives a device these tags in the place of those it had. */
export async function tag(
  device: string,
  texts: readonly string[],
  { options, terminal }: { readonly options: SourceOptions; readonly terminal: Terminal },
): Promise<void> {
  const wanted = readTagsBody({ tags: readTags(texts) });
  const view = await withFleet(options, (fleet) => fleet.tag(device, wanted));
  show(terminal, view, () => {
    const tags = Object.entries(view.tags).map(([name, value]) => `${name}=${value}`);
    return `${view.device} has ${tags.length === 0 ? 'no tags' : tags.join(', ')}.`;
  });
}
