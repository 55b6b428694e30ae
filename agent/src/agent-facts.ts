import { join } from 'node:path';
import { agentVersion } from './agent-version.ts';
import type { AgentFacts } from './core/agent-surface.ts';
import type { DataDir } from './io/data-dir.ts';
import { certificateLife } from './io/enrolment-file.ts';
import { deviceKeyName } from './io/device-key.ts';
import { dirBytes } from './io/dir-bytes.ts';
import { readRoom } from './io/disk-room.ts';

/** What is known of an agent, or of one that does not run, by its data directory. */
export function factsOf(
  dir: DataDir,
  process: Pick<AgentFacts, 'pid' | 'startedAtMs' | 'gateway' | 'recreated'>,
): AgentFacts {
  return {
    ...{ device: dir.device, epoch: dir.epoch, version: agentVersion },
    ...process,
    ...{ salvage: dir.salvage, fileSystem: dir.fileSystem },
    ...{ lastEnd: dir.lastEnd, tornBytes: dir.tornBytes },
    identity: () => ({
      key: deviceKeyName(dir.path) ?? null,
      certificate: certificateLife(dir.path) ?? null,
    }),
    fileBytes: () => dirBytes(join(dir.path, 'store')),
    diskFreeBytes: async () => (await readRoom(dir.path)).freeBytes,
  };
}
