import { readFileSync } from 'node:fs';

/** The kernel counts the time of a process in hundredths of a second. */
const TICK_MS = 10;

/**
 * Processor time of a process so far, ms, in all its threads. Says more than time by the wall on a
 * machine that others use too. Linux.
 *
 * @param pid Or `self`, with the children that have ended.
 */
export function cpuMs(pid: number | 'self'): number {
  // The name of the program, which may have spaces, ends with the last parenthesis.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = stat.slice(11, pid === 'self' ? 15 : 13);
  return TICK_MS * ticks.reduce((sum, each) => sum + Number(each), 0);
}
