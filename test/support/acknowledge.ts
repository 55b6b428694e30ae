import type { UplinkJournal } from '@holdfast/agent/internal';
import type { Lane } from '@holdfast/protocol';

/** As if the ledger had said that it has a lane through `seq`. */
export async function acknowledge(
  journal: Pick<UplinkJournal, 'hashAt' | 'acknowledge'>,
  lane: Lane,
  seq: number,
): Promise<boolean> {
  const hash = await journal.hashAt(lane, seq);
  return journal.acknowledge(lane, seq, hash ?? new Uint8Array(32));
}
