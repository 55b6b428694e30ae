import { spawnSync } from 'node:child_process';

/**
 * Whether this machine has a program. `test/machine.mjs` lists those that the tests need, and
 * installs them where it can.
 */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}
