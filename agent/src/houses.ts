import { messageOf, type Log } from '@holdfast/protocol';
import type { AgentSurface } from './core/surface.ts';
import { readHouses, writeHouses, type House } from './io/house-notes.ts';

type Ending = () => Promise<void>;

export interface HousesOptions {
  readonly dataDir: string;
  readonly device: string;
  /** The broker of a Home Assistant that is to show the device. Default: none is. */
  readonly url?: string;
  readonly passwordFile?: string;
  /** Reads a file with a password. */
  readonly passwordIn: (file: string | undefined) => Promise<string | undefined>;
  readonly surface: Pick<AgentSurface, 'status'>;
  readonly log: Log;
}

/**
 * Shows the device in a Home Assistant, if there is one, and has those forget it that it was shown
 * in before. Resolves once it has begun.
 *
 * @returns What ends it.
 * @throws What `passwordIn` throws for the file of the one that it is to be shown in.
 */
export async function showInHouses(options: HousesOptions): Promise<Ending> {
  const { dataDir, url, passwordFile, passwordIn, device, surface, log } = options;
  const known = readHouses(dataDir);
  if (url === undefined && known.length === 0) return () => Promise.resolve();
  const home = await import('./home-assistant.ts');
  const own = url === undefined ? [] : [{ url, ...(passwordFile && { passwordFile }) }];
  const left = new Set(known.filter((house) => house.url !== url));
  const note = (): void => writeHouses(dataDir, [...own, ...left]);
  note();
  const endings: Ending[] = [];
  for (const house of left) {
    const leaving = home.leaveHomeAssistant({ ...(await loginOf(house, options)), device, log });
    endings.push(() => leaving.close());
    void leaving.done.then(() => {
      left.delete(house);
      note();
      return leaving.close();
    });
  }
  if (url !== undefined) {
    const password = await passwordIn(passwordFile);
    const login = { url, ...(password === undefined ? {} : { password }) };
    endings.push(await home.showInHomeAssistant({ ...login, device, surface, log }));
  }
  return async () => {
    for (const end of endings) await end();
  };
}

/** Of a house of before. Its password may be gone by now: then it is tried without. */
async function loginOf(
  { url, passwordFile }: House,
  { passwordIn, log }: HousesOptions,
): Promise<{ readonly url: string; readonly password?: string }> {
  try {
    const password = await passwordIn(passwordFile);
    return password === undefined ? { url } : { url, password };
  } catch (error) {
    log.error('Home Assistant', { why: messageOf(error) });
    return { url };
  }
}
