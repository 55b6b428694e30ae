import { processFile, startChild, untilSaid } from './child.ts';

export interface BacklogSize {
  readonly events: number;
  /** That have ended. */
  readonly runs: number;
  /** Of each event. Default: it is 1 KiB with all that is around it. */
  readonly payloadBytes?: number;
}

const ENTRIES_A_RUN = 10;

export const entriesOf = ({ events, runs }: BacklogSize): number => events + ENTRIES_A_RUN * runs;

/** Adds so many entries that the ledger lacks to the journal there. */
export async function fillBacklog(
  dataDir: string,
  { events, runs, payloadBytes = 0 }: BacklogSize,
): Promise<void> {
  const numbers = [events, runs, payloadBytes].map(String);
  const maker = startChild(processFile('backlog'), dataDir, ...numbers);
  await untilSaid(maker, 'all');
  await maker.ended;
}
