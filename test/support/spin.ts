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

/** How long it will run: what the compiler takes to make it quicker has to pay off. */
type Work = 'little' | 'some' | 'much';
const levels: Readonly<Record<Work, string>> = { little: '-O0', some: '-O1', much: '-O2' };

/** A program that explores a model. */
export interface Explorer {
  /**
   * Explores every state that the model can reach, for assertions, and for runs that break what the
   * model says in `ltl`. A state in which nothing can go on any more is such a run too.
   *
   * @param bug What is planted, in an explorer that was made with `PLANTED`.
   */
  readonly explore: (bug?: number) => Promise<Verdict>;
}

/** Compiles what explores a model. */
export async function compileModel(
  dir: string,
  model: string,
  { defines, work = 'little' }: { readonly defines: Defines; readonly work?: Work },
): Promise<Explorer> {
  const flags = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  const place = join(dir, flags.join('') || 'default');
  await mkdir(place, { recursive: true });
  const at = { cwd: place, maxBuffer: 16 * 1024 * 1024 };
  await run('spin', [...flags, '-a', join(models, model)], at);
  await run('cc', [levels[work], '-w', '-DMEMLIM=6000', '-o', 'pan', 'pan.c'], at);
  const explore = async (bug = 0): Promise<Verdict> => {
    const env = { ...process.env, BUG: String(bug) };
    const { stdout } = await run('./pan', ['-a', '-n', '-m1000000', '-w22'], { ...at, env });
    const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
    return {
      errors: number(/errors: (\d+)/),
      states: number(/([\d.e+]+) states, stored/),
      isWhole: !/Search not completed|max search depth too small/.test(stdout),
    };
  };
  return { explore };
}
