import { readFile } from 'node:fs/promises';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { onlyOne, usage } from './options.ts';

/** Where the address of a database may be. */
export interface LedgerOptions {
  readonly ledger?: string;
  readonly ledgerFile?: string;
}

const VARIABLE = 'HOLDFAST_LEDGER';

/**
 * The address of the database that has the ledger; `undefined`: none is named.
 *
 * @throws HF_USAGE for a password on the command line, which everybody on the machine can see.
 */
export async function ledgerAddress({
  ledger,
  ledgerFile,
}: LedgerOptions): Promise<string | undefined> {
  onlyOne({ '--ledger': ledger, '--ledger-file': ledgerFile });
  if (ledger !== undefined) {
    if (URL.canParse(ledger) && new URL(ledger).password !== '') {
      throw usage(
        `a password in --ledger is seen by everybody on this machine: set ${VARIABLE} or ` +
          'PGPASSWORD, or name a file with --ledger-file',
      );
    }
    return ledger;
  }
  return ledgerFile === undefined ? process.env[VARIABLE] || undefined : readAddress(ledgerFile);
}

async function readAddress(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  }
}

/** Without what nobody else must see. */
export function shownAddress(address: string): string {
  if (!URL.canParse(address)) return 'a database';
  const url = new URL(address);
  url.password = '';
  return url.href;
}
