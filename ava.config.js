import { readdirSync } from 'node:fs';

// By source, not by output: what a deleted test was compiled to is no test any more.
const sources = readdirSync(new URL('test/', import.meta.url), { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && !path.startsWith('dist/'));

export default {
  files: sources.map((path) => `test/dist/${path.replace(/\.ts$/, '.js')}`),
  // Child processes: tests need their own signals, exit codes and LevelDB locks.
  workerThreads: false,
  // On two cores: one waits for a process, a disk or a timer while two compute.
  concurrency: 3,
  require: ['./test/dist/support/source-stacks.js'],
  // Without any test ending. The longest test kills and restarts processes for about two minutes.
  timeout: '4m',
};
