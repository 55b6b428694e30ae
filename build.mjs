// Installs what is missing, compiles what has changed, then runs a file if one is named:
//
//   node build.mjs [--then FILE [ARGUMENT…]]
//
// Needs nothing but Node and npm, so that it works on a fresh clone. All progress goes to stderr:
// stdout belongs to the file that is run.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN = [20, 19];
const root = dirname(fileURLToPath(import.meta.url));
const lockfile = join(root, 'package-lock.json');
// npm writes down here what it has installed.
const installedLockfile = join(root, 'node_modules', '.package-lock.json');

/** A failure in the three lines that every command of the house uses. */
export class BuildFailure extends Error {
  constructor(what, cause, hint) {
    super(`error: ${what}\n  cause: ${cause}\n  hint: ${hint}`);
  }
}

export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new BuildFailure(
    `Node ${NODE_MIN.join('.')} or newer is needed`,
    `this is Node ${version} (${process.execPath})`,
    'Install Node 20.19 or newer, from your distribution or nodejs.org, and run this again.',
  );
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** Whether the install holds what the lockfile asks for. Cheap when nothing was touched. */
function isInstalled() {
  if (!existsSync(installedLockfile)) return false;
  if (statSync(lockfile).mtimeMs <= statSync(installedLockfile).mtimeMs) return true;
  // A checkout touches the lockfile without changing it: installing again would take a minute.
  const installed = readPackages(installedLockfile);
  return Object.entries(readPackages(lockfile)).every(([path, wanted]) => {
    const found = installed[path];
    if (path === '' || (found === undefined && wanted.optional)) return true;
    return found !== undefined && found.version === wanted.version;
  });
}

/** Runs a program with its output on stderr, and resolves with its exit code and that output. */
function run(command, args, onError) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk) => {
      output = (output + chunk).slice(-65_536);
      process.stderr.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => done({ code: 127, output: onError(error) }));
    child.on('close', (code) => done({ code: code ?? 1, output }));
  });
}

async function install() {
  if (isInstalled()) return;
  const startedAt = Date.now();
  process.stderr.write('holdfast: installing dependencies (npm ci)\n');
  // npm tells its scripts where it is: the one that runs us, not another on the PATH.
  const npm = process.env.npm_execpath;
  // npm's own pauses between tries would keep a person without a network waiting for minutes.
  const pauses = ['--fetch-retry-mintimeout=2000', '--fetch-retry-maxtimeout=10000'];
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...pauses];
  const [command, commandArgs] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { code, output } = await run(command, commandArgs, (error) => error.message);
  if (code !== 0) throw installFailure(code, output);
  process.stderr.write(`holdfast: installed in ${seconds(startedAt)}\n`);
}

const registryFailure =
  /^(?:E(?:AI_AGAIN|NOTFOUND|CONN|TIMEDOUT|NETUNREACH|HOSTUNREACH|NOTCACHED)|E[45]\d\d|ERR_SOCKET)/;

function installFailure(code, output) {
  const what = 'The dependencies could not be installed';
  const reason = /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1];
  if (code === 127) {
    return new BuildFailure(what, `npm does not start: ${output}`, 'Install npm; Node has it.');
  }
  if (reason === 'EBADENGINE') {
    return new BuildFailure(what, 'a package needs another Node', 'Use Node 20.19, 22 or 24.');
  }
  if (registryFailure.test(reason ?? '')) {
    return new BuildFailure(
      what,
      `the package registry cannot be reached or refuses (${reason})`,
      'Check the network, the proxy, and `npm config get registry`; then run this again.',
    );
  }
  return new BuildFailure(
    what,
    `npm ci ended with exit code ${code}${reason ? ` (${reason})` : ''}`,
    'What npm says is above. Mend that and run this again.',
  );
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`;
}

/** Compiles every package. @returns whether the types are right; output may exist either way. */
export async function compile() {
  const startedAt = Date.now();
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = run(process.execPath, [tsc, '-b'], (error) => error.message);
  // Neither needs the other: the compiler checks the types, and writes them down.
  const [{ code }, isBundled] = await Promise.all([types, bundle()]);
  if (code !== 0 || !isBundled) return false;
  for (const each of packed) if (!(await pack(each))) return false;
  process.stderr.write(`holdfast: built in ${seconds(startedAt)}\n`);
  return true;
}

/**
 * Packages that consist of many files, and the one file of ours that exports what we use of them.
 * `unused`: what they need for what we never ask of them.
 */
const packed = [
  { file: 'gateway/src/io/mqtt.ts', packages: ['mqtt'], unused: ['ws', 'socks', 'worker-timers'] },
  { file: 'gateway/src/io/aedes.ts', packages: ['aedes'], unused: [] },
  { file: 'gateway/src/io/ws.ts', packages: ['ws'], unused: [] },
  {
    file: 'gateway/src/io/http/fastify.ts',
    packages: ['fastify', '@fastify/swagger', 'ajv'],
    // Its own log, which is off, and documents in YAML.
    unused: ['pino', 'yaml'],
  },
  { file: 'gateway/src/io/postgres/pg.ts', packages: ['pg'], unused: ['pg-native'] },
];

/** Puts packages, whole, into the compiled form of the one file that exports them. */
async function pack({ file, packages, unused }) {
  const compiled = join(root, file.replace('/src/', '/dist/').replace(/ts$/, 'js'));
  const versions = packages.map((name) => {
    const manifest = join(root, 'node_modules', name, 'package.json');
    return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
  });
  const title = `// ${versions.join(', ')} and what it needs in Node; licences: see the packages`;
  if (readFileSync(compiled, 'utf8').startsWith(title)) return true;
  const lines = [
    title,
    // What it needs is written for `require`.
    "import { createRequire } from 'node:module';",
    'const require = createRequire(import.meta.url);',
  ];
  const output = [`--outfile=${compiled}`, `--banner:js=${lines.join('\n')}`];
  const form = ['--bundle', '--platform=node', '--format=esm', '--target=node20'];
  const esbuild = join(root, 'node_modules', '.bin', 'esbuild');
  // The text of a module stays in memory. Names stay, for stacks.
  const small = ['--minify-whitespace', '--minify-syntax', '--alias:readable-stream=node:stream'];
  for (const name of unused) small.push(`--alias:${name}=./packaging/nothing.cjs`);
  const args = [join(root, file), ...form, ...small, ...output, '--log-level=error'];
  const { code } = await run(esbuild, args, (error) => error.message);
  return code === 0;
}

/** Makes the modules of what runs on devices, and the dashboard. Errors are on stderr. */
async function bundle() {
  const { bundleAgentPackage, bundleProtocol } = await import('./packaging/bundle.mjs');
  try {
    const [isWeb] = await Promise.all([bundleWeb(), bundleProtocol(), bundleAgentPackage()]);
    return isWeb;
  } catch (error) {
    // What it found in the sources it has said.
    if (error.errors === undefined) throw error;
    return false;
  }
}

/** Makes one script and one style sheet of each page: the dashboard, and that of a device. */
async function bundleWeb() {
  const form = ['--bundle', '--minify', '--format=esm', '--target=es2022', '--jsx=automatic'];
  const quiet = ['--legal-comments=none', '--log-level=error'];
  // From its source: nothing but what is used.
  form.push('--alias:@holdfast/protocol/base=./protocol/src/base.ts');
  const esbuild = join(root, 'node_modules', '.bin', 'esbuild');
  for (const product of ['agent', 'gateway']) {
    const [web, dist] = [join(root, product, 'web'), join(root, product, 'dist', 'web')];
    const entries = ['main.tsx', 'main.css', 'index.html'].map((name) => join(web, name));
    const output = [`--outdir=${dist}`, '--loader:.html=copy', '--jsx-import-source=preact'];
    const args = [...entries, ...form, ...output, ...quiet];
    const { code } = await run(esbuild, args, (error) => error.message);
    if (code !== 0) return false;
  }
  return true;
}

/** Checks Node and installs. @throws BuildFailure with what to say to the user. */
export async function prepare() {
  checkNode();
  await install();
}

async function main(args) {
  if (args.length > 0 && (args[0] !== '--then' || args.length < 2)) {
    throw new BuildFailure(
      'The command line is not right',
      `unexpected ${args.join(' ')}`,
      'node build.mjs [--then FILE [ARGUMENT…]]',
    );
  }
  await prepare();
  if (!(await compile())) {
    throw new BuildFailure(
      'The code does not compile',
      'the compiler found what is above',
      'Mend that and run this again.',
    );
  }
  if (args.length === 0) return;
  // In this very process: exit code, signals and terminal are the file's own.
  const file = resolve(root, args[1]);
  process.argv.splice(1, process.argv.length, file, ...args.slice(2));
  await import(pathToFileURL(file).href);
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof BuildFailure ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
}
