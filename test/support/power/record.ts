import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readRecording, type Recording } from './recording.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../../../support/power/recorder.c', import.meta.url));
const writer = fileURLToPath(new URL('writer.js', import.meta.url));

/** What to record. */
export interface Writing {
  readonly task: 'agent' | 'journal';
  /** What `DIR/data` holds is gone on with. */
  readonly dir: string;
  /** Of the first thing it does; things with lower numbers were done before. */
  readonly from?: number;
  readonly count: number;
  readonly breaks?: 'no-sync' | 'in-place';
}

/** Compiles the recorder. @returns its path; `undefined` where there is no C compiler. */
export async function compileRecorder(dir: string): Promise<string | undefined> {
  const path = join(dir, 'recorder.so');
  const libraries = ['-ldl', '-lpthread'];
  try {
    await run('cc', ['-shared', '-fPIC', '-O1', '-o', path, source, ...libraries]);
    return path;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs the writer to its end. */
export async function record(recorder: string, writing: Writing): Promise<Recording> {
  const { task, from = 0, count, breaks } = writing;
  await mkdir(writing.dir, { recursive: true });
  const dir = await realpath(writing.dir);
  const log = join(await mkdtemp(join(tmpdir(), 'holdfast-power-')), 'log');
  await run(process.execPath, [writer, task, dir, String(from), String(count)], {
    env: {
      ...process.env,
      ...{ LD_PRELOAD: recorder, POWER_DIR: dir, POWER_LOG: log },
      ...(breaks === undefined ? {} : { BREAK: breaks }),
    },
    timeout: 120_000,
  });
  return readRecording(log);
}
