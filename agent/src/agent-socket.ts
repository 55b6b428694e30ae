import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOCKET_NAME, SOCKET_NOTE } from './core/surface.ts';

/** An agent that listens elsewhere than in its data directory has left a note there. */
export function socketOf(dataDir: string): string {
  try {
    const noted = readFileSync(join(dataDir, SOCKET_NOTE), 'utf8').trim();
    if (noted !== '') return noted;
  } catch {
    // There is no note, or no directory: whoever connects is told so.
  }
  return join(dataDir, SOCKET_NAME);
}
