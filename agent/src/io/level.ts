import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Level } from 'level';

/**
 * LevelDB, loaded when it is first needed: its native part may be missing, or be of another
 * architecture or Node. That is no fault of a store.
 *
 * @throws HF_STORE_NATIVE
 */
export async function loadLevel(): Promise<typeof Level> {
  try {
    // As it is exported, whole: a bundle knows no names of what was written for `require`.
    return (await import('level')).default.Level;
  } catch (error) {
    throw new HoldfastError('HF_STORE_NATIVE', { why: messageOf(error) });
  }
}
