import type { Clock, Sha256 } from '@holdfast/protocol';
import type { AccessBook } from './access-book.ts';

/** Makes and compares hashes of passwords: slow, so that a stolen store tells none. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes as long for `undefined`, which nothing matches: who measures learns no names. */
  matches(password: string, hash: string | undefined): Promise<boolean>;
}

export interface AccessPorts {
  readonly book: AccessBook;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly sha256: Sha256;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly passwords: Passwords;
}
