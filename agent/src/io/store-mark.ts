import { HoldfastError, equalBytes } from '@holdfast/protocol';
import { metaKey } from '../core/keys.ts';
import { DATA_FORMAT } from './device-file.ts';

/** What a store says of itself: whose it is, and which life of that device's journal. */
export interface Mark {
  readonly format: number;
  readonly device: string;
  readonly epoch: number;
  /** The machine that it was last used on; empty: not known. */
  readonly machine: string;
  /** Id of the key that all rows besides this one are encrypted with. */
  readonly encrypted?: string;
}

export const MARK_KEY = metaKey('holdfast');

export const isMarkKey = (key: Uint8Array): boolean => equalBytes(key, MARK_KEY);

/** What the mark of a store says of its cipher. */
export function encryptedBy(cipher: { readonly id: string } | undefined): Pick<Mark, 'encrypted'> {
  return cipher === undefined ? {} : { encrypted: cipher.id };
}

export function encodeMark(mark: Mark): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(mark)));
}

/**
 * @returns `undefined` for a row that is not there or is none.
 * @throws HF_STORE_FORMAT for a newer one.
 */
export function readMark(storeDir: string, value: Uint8Array | undefined): Mark | undefined {
  const mark = value && parseMark(value);
  if (mark !== undefined && mark.format > DATA_FORMAT) {
    const why = `${storeDir} has format ${mark.format}, and this version knows ${DATA_FORMAT}`;
    throw new HoldfastError('HF_STORE_FORMAT', { why });
  }
  return mark;
}

function parseMark(bytes: Uint8Array): Mark | undefined {
  try {
    const value: Partial<Record<keyof Mark, unknown>> = JSON.parse(new TextDecoder().decode(bytes));
    const { format, device, epoch, machine = '', encrypted } = value;
    const isMark = typeof format === 'number' && Number.isSafeInteger(epoch);
    if (!isMark || typeof device !== 'string' || typeof epoch !== 'number') return undefined;
    const mark = { format, device, epoch, machine: typeof machine === 'string' ? machine : '' };
    return typeof encrypted === 'string' ? { ...mark, encrypted } : mark;
  } catch {
    return undefined;
  }
}
