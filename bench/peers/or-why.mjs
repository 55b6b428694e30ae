/** Measures something of a peer; one that fails, or does not end, is told of, and others go on. */
export async function orWhy({ work, name }, measure) {
  process.stderr.write(`${name}: ${work}\n`);
  try {
    await measure();
  } catch (error) {
    process.stderr.write(`${name} did not do it: ${error.message}\n`);
    process.exitCode = 1;
  }
}
