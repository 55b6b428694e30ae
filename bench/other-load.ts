import { cpus } from 'node:os';
import { cpuMs } from './cpu-time.ts';

interface Times {
  readonly all: number;
  readonly busy: number;
  /** Of this process and the children that have ended. */
  readonly own: number;
}

function times(): Times {
  let [all, busy] = [0, 0];
  for (const { times: each } of cpus()) {
    const work = each.user + each.nice + each.sys + each.irq;
    busy += work;
    all += work + each.idle;
  }
  return { all, busy, own: cpuMs('self') };
}

/**
 * @returns Tells which part of the machine, 0 to 1, was busy since with work that was neither this
 *   process's nor that of its children, which must have ended. Linux.
 */
export function startLoadMeter(): () => number {
  const before = times();
  return () => {
    const after = times();
    const other = after.busy - before.busy - (after.own - before.own);
    return Math.min(1, Math.max(0, other / Math.max(1, after.all - before.all)));
  };
}
