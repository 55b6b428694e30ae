import type { Scene } from './scene.ts';

/** The screens of `holdfast-sim`, in a directory with a scenario of its own, `small.toml`. */
export const simScenes: readonly Scene[] = [
  { line: 'run small.toml --seed 1', isData: true },
  { line: 'run nowhere', code: 78 },
  { line: 'soak --scenario small.toml --minutes 0 --seed 1' },
  { line: 'size --devices 500 --entries-per-day 20000 --offline 2d' },
  { line: 'explain store_locked' },
  { line: 'version' },
  { line: 'completion bash', isData: true },
  { line: 'run', code: 2 },
];
