import { usage } from './options.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { show, type Terminal } from './terminal.ts';

export interface RevokeOptions extends SourceOptions {
  readonly confirm?: string;
}

/** Has nothing of a device count any more. It takes its name twice: nothing undoes it. */
export async function revoke(
  device: string,
  { confirm, ...options }: RevokeOptions,
  terminal: Terminal,
): Promise<void> {
  if (confirm !== device) throw usage(`it is meant: --confirm ${device}`);
  const view = await withFleet(options, (fleet) => fleet.revoke(device));
  show(terminal, view, () => {
    return `${view.device} is revoked: what it still sends is kept in quarantine.`;
  });
}
