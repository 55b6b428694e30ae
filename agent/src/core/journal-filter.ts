import { isLike, type Lane } from '@holdfast/protocol/base';
import type { JournalRow } from './views.ts';

/** Which entries a list is to have. All that is given must hold. */
export interface JournalQuery {
  readonly lane?: Lane | undefined;
  /** Only with a higher seq; needs `lane`. */
  readonly after?: number | undefined;
  /** Kinds, in which `*` stands for any characters: `step.*`. */
  readonly kinds?: readonly string[] | undefined;
  /** Of the history of this run. */
  readonly run?: string | undefined;
  /** Only what the gateway has not acknowledged. */
  readonly unsynced?: boolean | undefined;
  /** With the bytes of each entry. */
  readonly hex?: boolean | undefined;
  readonly limit: number;
}

/** What tells whether an entry is wanted. */
type Told = Pick<JournalRow, 'kind' | 'run' | 'synced'>;

export function isWantedRow(
  { kind, run, synced }: Told,
  { kinds, run: wanted, unsynced = false }: Omit<JournalQuery, 'limit'>,
): boolean {
  if (unsynced && synced) return false;
  if (wanted !== undefined && run !== wanted) return false;
  return kinds === undefined || kinds.some((pattern) => isLike(kind, pattern));
}

/** Whether a list may leave out entries between two that it has. */
export function isNarrowed({ kinds, run, unsynced }: Omit<JournalQuery, 'limit'>): boolean {
  return kinds !== undefined || run !== undefined || unsynced === true;
}
