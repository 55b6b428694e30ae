import { setTimeout as pause } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol';

/** More than the slowest takes for 100,000 readings. */
const PATIENCE_MS = 600_000;

/** Measures something of a peer; one that fails, or does not end, is told of, and others go on. */
export async function orWhy({ work, name }, measure) {
  process.stderr.write(`${name}: ${work}\n`);
  try {
    await Promise.race([measure(), tooLong()]);
  } catch (error) {
    process.stderr.write(`${name} did not do it: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function tooLong() {
  await pause(PATIENCE_MS, undefined, { ref: false });
  throw new HoldfastError('HF_WAIT_TIMEOUT', { why: `${PATIENCE_MS / 1_000} s` });
}
