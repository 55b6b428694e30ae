// npm test [-- PATTERN]: builds, lints, and runs every test, or those whose file or title has
// PATTERN in it. The last line of stdout is `N passed, N failed, N skipped`; exit code 0 only if
// nothing failed. With CI=true a skipped test is a failure: CI has what the tests need.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import avaConfig from '../ava.config.js';
import { BuildFailure, compile, prepare } from '../build.mjs';
import { prepareMachine } from './machine.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCi = !['', '0', 'false'].includes(process.env.CI ?? '');
const passed = [];
const failed = [];
const skipped = [];

function say(line) {
  process.stdout.write(`${line}\n`);
}

function check(name, isRight) {
  (isRight ? passed : failed).push(name);
  say(`  ${isRight ? '✔' : '✘ [fail]:'} ${name}`);
}

/** Runs a program of the install to its end; our end is its end. Resolves with its exit code. */
function run(file, args, onLine) {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: root,
    stdio: ['ignore', onLine === undefined ? 'inherit' : 'pipe', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  if (onLine !== undefined) createInterface({ input: child.stdout }).on('line', onLine);
  return new Promise((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (code, signal) => done(code ?? signal));
  });
}

/** Arguments of ava for the files that match; else for the titles that do. */
function select(pattern) {
  if (pattern === undefined) return [];
  const files = avaConfig.files.filter((file) => file.includes(pattern));
  return files.length > 0 ? files : [`--match=*${pattern}*`];
}

/** Shows and counts what ava's reporter says of a test; what tests print goes to stderr. */
function report(line) {
  say(line);
  const result = /^ {2}(?:([✔√])|([✘×]) (?:\[fail\]: )?(.*)|- \[(?:skip|todo)\] (.*))/.exec(
    stripVTControlCharacters(line),
  );
  if (result === null) return;
  if (result[1] !== undefined) passed.push(line);
  else if (result[2] !== undefined) failed.push(result[3]);
  else if (isCi) failed.push(`${result[4]} (skipped, which CI does not allow)`);
  else skipped.push(result[4]);
}

async function test(pattern) {
  const before = failed.length + passed.length;
  const code = await run('node_modules/ava/entrypoints/cli.mjs', select(pattern), report);
  const isCutShort = typeof code !== 'number';
  if (isCutShort || (code !== 0 && failed.length === 0)) failed.push(`the tests ended: ${code}`);
  if (failed.length + passed.length === before) failed.push('no test ran');
}

async function main(pattern) {
  await prepare();
  const missing = await prepareMachine();
  if (missing.length > 0) say(`Not on this machine: ${missing.join(', ')}`);
  check('types', await compile());
  const lint = ['node_modules/oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']];
  check('lint', (await run(...lint)) === 0);
  await test(pattern);
}

const startedAt = Date.now();
try {
  await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`${error instanceof BuildFailure ? error.message : error.stack}\n`);
  check('build', false);
}
if (skipped.length > 0) say(`\nSkipped:\n${skipped.map((each) => `  ${each}`).join('\n')}`);
if (failed.length > 0) say(`\nFailed:\n${failed.map((each) => `  ${each}`).join('\n')}`);
say(`\n${Math.round((Date.now() - startedAt) / 1_000)} s`);
say(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
