import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Shell } from './shell.ts';

export interface StoreKeyFlags {
  readonly storeKeyFile?: string;
}

/** The variable that names the file too. */
export const STORE_KEY_VARIABLE = 'HOLDFAST_STORE_KEY_FILE';
/** As in `LoadCredential=holdfast-store-key:…` of a systemd unit. */
const CREDENTIAL = 'holdfast-store-key';

/** The file with the key of the store: as it is given, or the credential of a systemd unit. */
export function storeKeyFile(flags: StoreKeyFlags, env: Shell['env']): string | undefined {
  const given = flags.storeKeyFile ?? (env[STORE_KEY_VARIABLE] || undefined);
  if (given !== undefined) return given;
  const directory = env['CREDENTIALS_DIRECTORY'];
  const credential = directory === undefined ? undefined : join(directory, CREDENTIAL);
  return credential !== undefined && existsSync(credential) ? credential : undefined;
}
