import { readFileSync } from 'node:fs';

const KIB = 1_024;

/** Resident size of a process, MiB: now, or the largest that it had. Linux. */
export function residentMib(pid: number | 'self', of: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${of}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / KIB;
}
