import { delimiter, dirname } from 'node:path';
import { Exit, HoldfastError } from '@holdfast/protocol/base';

/** What is typed behind `holdfast`, and the program that it runs, as git runs its own. */
const programs: Readonly<Record<string, string>> = {
  gateway: 'holdfast-gateway',
  sim: 'holdfast-sim',
};

/** The program that a command line is for; `undefined`: this one. */
export function otherProgram([name = '']: readonly string[]): string | undefined {
  return Object.hasOwn(programs, name) ? programs[name] : undefined;
}

/**
 * Runs another program in the place of this one, where it is installed: beside it, or on the PATH.
 *
 * @returns Its exit code. @throws HF_USAGE where it is not installed.
 */
export async function runOther(program: string, args: readonly string[]): Promise<number> {
  // The commands of every day start without it.
  const { spawn } = await import('node:child_process');
  const beside = dirname(process.argv[1] ?? '');
  const path = [beside, process.env['PATH'] ?? ''].join(delimiter);
  // It stands beside this one in an installation, and need not be on the PATH of a service.
  const env = { ...process.env, PATH: path };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => child.kill(signal));
    }
    child.on('error', (cause) => {
      const why = `${program} is not installed: it is neither beside this program nor on the PATH`;
      reject(new HoldfastError('HF_USAGE', { why, cause }));
    });
    child.on('exit', (code, signal) => {
      resolve(code ?? (signal === 'SIGINT' ? Exit.interrupted : Exit.terminated));
    });
  });
}
