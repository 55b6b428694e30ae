import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from './durable-file.ts';

/** A broker that was told of this device, and where its password is. */
export interface House {
  readonly url: string;
  readonly passwordFile?: string;
}

const NAME = 'home-assistant.json';

/** Those that a data directory knows; none where the note cannot be read. */
export function readHouses(dataDir: string): readonly House[] {
  try {
    const { houses } = JSON.parse(readFileSync(join(dataDir, NAME), 'utf8')) as {
      readonly houses?: readonly Partial<House>[];
    };
    return (houses ?? []).flatMap(({ url, passwordFile }) =>
      typeof url === 'string' ? [{ url, ...(passwordFile && { passwordFile }) }] : [],
    );
  } catch {
    return [];
  }
}

/** Best effort: what is not noted has to be deleted in Home Assistant by hand. */
export function writeHouses(dataDir: string, houses: readonly House[]): void {
  try {
    writeDurably(join(dataDir, NAME), `${JSON.stringify({ houses })}\n`, 0o600);
  } catch {
    // The disk takes nothing now; the device is shown all the same.
  }
}
