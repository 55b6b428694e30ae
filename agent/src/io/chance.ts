import { randomBytes } from 'node:crypto';
import type { Chance } from '@holdfast/protocol';

/** The platform's chance; its bytes are fit for identifiers. */
export const systemChance: Chance = {
  next: () => Math.random(),
  bytes: (length) => randomBytes(length),
};
