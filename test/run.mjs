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

/** More than ava's own timeout, which the longer one of any test puts off for all. */
const SILENCE_MS = 5 * 60_000;
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

/** Starts a program of the install in a process group of its own; our end is its end. */
function start(file, args, stdout) {
  const stdio = ['ignore', stdout, 'inherit'];
  const child = spawn(process.execPath, [file, ...args], { cwd: root, stdio, detached: true });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  return child;
}

/** Resolves with the exit code of a program, or with what ended it. */
function ended(child) {
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

/**
 * Shows and counts what ava's reporter says of a test; what tests print goes to stderr. Returns
 * whether the line was a result.
 */
function report(line) {
  say(line);
  const result = /^ {2}(?:([✔√])|([✘×]) (?:\[fail\]: )?(.*)|- \[(?:skip|todo)\] (.*))/.exec(
    stripVTControlCharacters(line),
  );
  if (result === null) return false;
  if (result[1] !== undefined) passed.push(line);
  else if (result[2] !== undefined) failed.push(result[3]);
  else if (isCi) failed.push(`${result[4]} (skipped, which CI does not allow)`);
  else skipped.push(result[4]);
  return true;
}

/** Ends the tests when none has ended for long: ava names those that it still waits for. */
function watch(ava) {
  const timer = setTimeout(() => {
    failed.push(`no test ended for ${SILENCE_MS / 60_000} minutes`);
    ava.kill('SIGINT');
    setTimeout(() => killGroup(ava), 5_000).unref();
  }, SILENCE_MS);
  ava.once('exit', () => clearTimeout(timer));
  return timer;
}

/** Whatever tests have left running in it. */
function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function test(pattern) {
  const before = failed.length + passed.length;
  const ava = start('node_modules/ava/entrypoints/cli.mjs', select(pattern), 'pipe');
  const silence = watch(ava);
  createInterface({ input: ava.stdout }).on('line', (line) => report(line) && silence.refresh());
  const code = await ended(ava);
  killGroup(ava);
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
  check('lint', (await ended(start(...lint, 'inherit'))) === 0);
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
