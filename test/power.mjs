// npm run test:power -- [--cuts N] [--seed N]: the tests of power cuts with more cuts than npm test
// makes, after a build. About eight cuts a second.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BuildFailure, compile, prepare } from '../build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { cuts: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});

try {
  await prepare();
  if (!(await compile())) {
    throw new BuildFailure('The code does not compile', 'the compiler says it above', 'Mend that.');
  }
  const file = 'test/dist/fault/power-cut.test.js';
  const env = { ...process.env, POWER_CUTS: values.cuts, POWER_SEED: values.seed };
  const args = ['node_modules/ava/entrypoints/cli.mjs', '--timeout=60m', file];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  child.on('close', (code) => (process.exitCode = code ?? 1));
} catch (error) {
  process.stderr.write(`${error instanceof BuildFailure ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
