import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nodeCommand, startProgram, type Child } from './child.ts';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
const MIB = 1_024 * 1_024;
/** A process that was killed takes a moment to be gone. */
const [LOOKS, LOOK_MS] = [100, 50];

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether this machine lets us bound processor time and memory: control groups of version 1. */
export const hasSmallBoards = ['cpu', 'memory'].every(
  (each) => existsSync(join(ROOT, each, 'cgroup.procs')) && isWritable(join(ROOT, each)),
);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** A part of the machine, as large as a small board. */
export class SmallBoard {
  readonly #cpu: string;
  readonly #memory: string;

  private constructor(name: string) {
    this.#cpu = join(ROOT, 'cpu', name);
    this.#memory = join(ROOT, 'memory', name);
  }

  /** @param cores May be a part of one. @param mib Of memory, the cache of files included. */
  static async make(cores: number, mib: number): Promise<SmallBoard> {
    const board = new SmallBoard(`holdfast-bench-${process.pid}`);
    await Promise.all([board.#cpu, board.#memory].map((dir) => mkdir(dir, { recursive: true })));
    const quota = String(cores * PERIOD_US);
    await writeFile(join(board.#cpu, 'cpu.cfs_period_us'), String(PERIOD_US));
    await writeFile(join(board.#cpu, 'cpu.cfs_quota_us'), quota);
    await writeFile(join(board.#memory, 'memory.limit_in_bytes'), String(mib * MIB));
    return board;
  }

  /** Starts Node on a file with its arguments, within these bounds from its first instruction. */
  start(file: string, ...args: readonly string[]): Child {
    const enter = 'echo $$ > "$0" && echo $$ > "$1" && shift && exec "$@"';
    const places = [this.#cpu, this.#memory].map((dir) => join(dir, 'cgroup.procs'));
    return startProgram(['sh', '-c', enter, ...places, ...nodeCommand(file, ...args)]);
  }

  /** Processes that were killed because there was no more memory. */
  async killed(): Promise<number> {
    const text = await readFile(join(this.#memory, 'memory.oom_control'), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
  }

  /** Ends what is left of its processes. */
  async remove(): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      const pids = (await readFile(join(this.#cpu, 'cgroup.procs'), 'utf8')).split('\n');
      const left = pids.filter((each) => each !== '').map(Number);
      if (left.length === 0) break;
      for (const pid of left) kill(pid);
      await pause(LOOK_MS);
    }
    await Promise.all([this.#cpu, this.#memory].map((dir) => rmdir(dir)));
  }
}
