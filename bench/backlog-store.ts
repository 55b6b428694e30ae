import { processFile, startChild } from './child.ts';

export interface BacklogSize {
  /** Of 1 KiB each. */
  readonly events: number;
  /** That have ended. */
  readonly runs: number;
  /** Processes that make it, one after another: each has to end within its time. */
  readonly parts: number;
}

const ENTRIES_A_RUN = 10;

export const entriesOf = ({ events, runs }: BacklogSize): number => events + ENTRIES_A_RUN * runs;

/** Adds so many entries that the ledger lacks to the journal there. */
export async function fillBacklog(
  dataDir: string,
  { events, runs, parts }: BacklogSize,
): Promise<void> {
  for (let part = 0; part < parts; part += 1) {
    const counts = [events / parts, runs / parts].map(String);
    const maker = startChild(processFile('backlog'), dataDir, ...counts);
    await maker.line();
    await maker.ended;
  }
}
