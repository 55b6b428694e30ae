import { readDeviceFile } from './io/device-file.ts';
import { giveBack } from './io/give-back.ts';

/** Does something in a data directory, of which all is its owner's after that, whoever did it. */
export async function leavingToOwner<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await giveBack(dataDir);
  }
}

/** The device that a data directory is of; `undefined`: nobody's yet. */
export async function deviceOf(dataDir: string): Promise<string | undefined> {
  return (await readDeviceFile(dataDir))?.device;
}
