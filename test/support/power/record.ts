import { execFile } from 'node:child_process';
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readRecording, type Recording } from './recording.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../../../support/power/recorder.c', import.meta.url));
const writer = fileURLToPath(new URL('writer.js', import.meta.url));

/** What to record. */
export interface Writing {
  readonly task: 'agent' | 'journal' | 'migrate' | 'epoch' | 'rekey' | 'restore';
  /** What `DIR/data` holds is gone on with. */
  readonly dir: string;
  /** Of the first thing it does; things with lower numbers were done before. */
  readonly from?: number;
  readonly count: number;
  readonly breaks?: 'no-sync' | 'in-place';
  readonly isEncrypted?: boolean;
}

/** Compiles the recorder into `dir`. @returns its path. */
export async function compileRecorder(dir: string): Promise<string> {
  const path = join(dir, 'recorder.so');
  await run('cc', ['-shared', '-fPIC', '-O1', '-o', path, source, '-ldl', '-lpthread']);
  return path;
}

/** Runs the writer to its end. */
export async function record(recorder: string, writing: Writing): Promise<Recording> {
  const { task, from = 0, count, breaks, isEncrypted = false } = writing;
  await mkdir(writing.dir, { recursive: true });
  const dir = await realpath(writing.dir);
  const log = join(dirname(dir), 'log');
  await run(process.execPath, [writer, task, dir, String(from), String(count)], {
    env: {
      ...process.env,
      ...{ LD_PRELOAD: recorder, POWER_DIR: dir, POWER_LOG: log },
      ...(breaks === undefined ? {} : { BREAK: breaks }),
      ...(isEncrypted ? { STORE_KEY: '1' } : {}),
    },
    timeout: 120_000,
  });
  return readRecording(log);
}
