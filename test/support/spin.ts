import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** From `test/dist/support`. */
const models = fileURLToPath(new URL('../../model/', import.meta.url));

/** Names of a model that the preprocessor sets: its bounds, and what is broken in it. */
export type Defines = Readonly<Record<string, number>>;

export interface Verdict {
  readonly errors: number;
  readonly states: number;
  /** All that can be reached was seen, within the bounds. */
  readonly isWhole: boolean;
}

/**
 * Explores every state that a model can reach, for assertions, and for runs that break what the
 * model says in `ltl`. A state in which nothing can go on any more is such a run too.
 */
export async function explore(dir: string, model: string, defines: Defines): Promise<Verdict> {
  const flags = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  const place = join(dir, flags.join('') || 'default');
  await mkdir(place, { recursive: true });
  const at = { cwd: place, maxBuffer: 16 * 1024 * 1024 };
  await run('spin', [...flags, '-a', join(models, model)], at);
  // A planted bug is found at once; what holds has to be looked through.
  const level = 'BUG' in defines ? '-O0' : '-O2';
  await run('cc', [level, '-w', '-DMEMLIM=6000', '-o', 'pan', 'pan.c'], at);
  const { stdout } = await run('./pan', ['-a', '-n', '-m1000000', '-w22'], at);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  return {
    errors: number(/errors: (\d+)/),
    states: number(/([\d.e+]+) states, stored/),
    isWhole: !/Search not completed|max search depth too small/.test(stdout),
  };
}
