import { statfs } from 'node:fs/promises';

/** File systems that no journal should be on, by the numbers that Linux gives them. */
const doubtful: ReadonlyMap<number, string> = new Map([
  [0x0102_1994, 'tmpfs, which is empty after a reboot'],
  [0x8584_58f6, 'ramfs, which is empty after a reboot'],
  [0x0000_6969, 'NFS, which may lose what was synced with its server'],
  [0xff53_4d42, 'CIFS, which may lose what was synced with its server'],
  [0xfe53_4d42, 'SMB, which may lose what was synced with its server'],
]);

/** What a directory is on, and why not to trust that; `undefined`: nothing is known. */
export async function doubtfulFileSystem(dir: string): Promise<string | undefined> {
  // A system without it has none of these numbers either.
  const type = await statfs(dir).then(
    (found) => found.type,
    () => 0,
  );
  return doubtful.get(type >>> 0);
}
