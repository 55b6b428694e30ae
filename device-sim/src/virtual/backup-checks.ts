import { prefixOf, StoreLedger } from '@holdfast/gateway/internal';
import type { Chance } from '@holdfast/protocol';
import { SimDisk } from './sim-disk.ts';
import { AtOnce } from './at-once.ts';
import type { World } from './world.ts';

/**
 * P9: a backup that was not written to its end does not pass for a whole one. A block of entries is
 * not in it, or only its beginning.
 */
export async function checkTornBackup(
  { witness, bug, primitives }: World,
  image: ReturnType<SimDisk['image']>,
  chance: Chance,
): Promise<void> {
  const disk = new SimDisk({ time: new AtOnce(), chance });
  disk.rewind(image);
  const [prefix = 0] = prefixOf('block');
  if (!disk.tear(prefix, chance)) return;
  witness.tornBackups += 1;
  const torn = await StoreLedger.open(disk.open(), primitives.sha256);
  const ledger = bug.ledger?.(torn) ?? torn;
  const { faults } = await ledger.verify().catch(() => ({ faults: ['it cannot be read'] }));
  if (faults.length === 0) witness.blame('P9', 'gateway', 'a torn backup passes for a whole one');
}
