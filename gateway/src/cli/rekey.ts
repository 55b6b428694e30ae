import { withFleet, type SourceOptions } from './fleet-source.ts';
import { show, type Terminal } from './terminal.ts';

export interface RekeyOptions extends SourceOptions {
  readonly key: string;
}

/** Has a device be known by another key from its next hello on. */
export async function rekey(
  device: string,
  options: RekeyOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.rekey(device, options.key));
  show(terminal, view, () => {
    return `${view.device} is known by key ${view.key} from its next connection on.`;
  });
}
