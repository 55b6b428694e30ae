// Makes a few ES modules of the sources of a package: a process starts sooner with thirty files
// than with three hundred, and stays smaller. Names stay, for stacks, and lines have maps.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** For browsers and SOCKS proxies: none of it is ever called. */
const unused = Object.fromEntries(
  ['socks', 'worker-timers'].map((name) => [name, join(root, 'packaging/nothing.cjs')]),
);

const form = {
  absWorkingDir: root,
  ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
  ...{ minifySyntax: true, logLevel: 'error' },
  chunkNames: 'part-[hash]',
  alias: { ...unused, 'readable-stream': 'node:stream' },
};

/** What was written for `require` finds it. */
const banner = {
  js: `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`,
};

/** What a checkout runs and npm installs. */
const shipped = {
  ...form,
  // Lines, for stacks; who wants to read the sources has them elsewhere.
  ...{ sourcemap: 'linked', sourcesContent: false, minifyWhitespace: true, lineLimit: 120 },
  // Everybody in a process shares the other packages of the house.
  external: ['@holdfast/*', 'cbor-extract'],
  metafile: true,
};

/** Makes the modules of the protocol. */
export async function bundleProtocol() {
  const entryPoints = {
    mod: 'protocol/src/mod.ts',
    base: 'protocol/src/base.ts',
    'base/json-schema': 'protocol/src/base/json-schema.ts',
  };
  const { metafile } = await build({ ...shipped, entryPoints, outdir: 'protocol/dist' });
  clear('protocol/dist', metafile);
}

/** What tests of the command line look into. */
const inside = ['config-file', 'program', 'shell'];

/**
 * Makes the modules of the agent: a few of the command line, which starts in the time of what one
 * command needs, and one of what an agent is made of, with small ones around it.
 */
export async function bundleAgentPackage() {
  const outdir = 'agent/dist';
  const heavy = heavyParts();
  const shell = Object.fromEntries(inside.map((n) => [`cli-${n}`, `agent/src/cli/${n}.ts`]));
  const ofShell = together(everyLine, Object.values(shell), nextDoor);
  const commands = await build({
    ...{ ...shipped, banner, outdir, entryPoints: shell },
    plugins: [heavy.plugin, ofShell, ownBase, fewBuiltins],
  });
  const main = await bundleMain(outdir, shipped);
  const entryPoints = {
    ...{ mod: 'agent/src/mod.ts', testing: 'agent/src/testing/mod.ts' },
    ...{ internal: 'agent/src/internal.ts', ...heavy.entries },
  };
  const plugins = [wholeAgent(Object.values(entryPoints)), elsewhere, ownClient, installedPart];
  const device = await build({ ...shipped, banner, outdir, entryPoints, plugins });
  const lint = { lint: 'agent/src/lint/mod.ts' };
  const rules = await build({ ...shipped, outdir, entryPoints: lint });
  // Nobody looks for lines of it in a stack, and its text stays in memory.
  const small = { entryPoints: client, minifyWhitespace: true, plugins: [noWebSocket] };
  const link = await build({ ...shipped, banner, outdir, ...small });
  clear(outdir, ...[main, commands, device, rules, link].map(({ metafile }) => metafile));
}

/**
 * Makes the one module that the command line starts with, and that a plain line needs no other of.
 * In CommonJS, whose loader is there when Node starts; that of ES modules takes longer.
 */
function bundleMain(outdir, options) {
  return build({
    ...{ ...options, splitting: false, format: 'cjs', plugins: [alone, ownBase] },
    entryPoints: { holdfast: 'agent/src/cli/main.ts' },
    ...{ outdir, outExtension: { '.js': '.cjs' } },
  });
}

/** What the command line loads for a few of its commands, when they need it. */
const loadedLater = /^\.\.\/|^\.\/(?:run-agent|code-file)\.ts$/;

/** Leaves that to the build of the agent. */
function heavyParts() {
  const entries = {};
  const plugin = {
    name: 'heavy-parts',
    setup({ onResolve }) {
      onResolve({ filter: loadedLater }, ({ path, kind, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const source = relative(root, join(resolveDir, path));
        const name = basename(path, '.ts');
        entries[name] = source;
        return { path: `./${name}.js`, external: true };
      });
    },
  };
  return { entries, plugin };
}

/** What every line needs that is not plain. */
const everyLine = ['agent/src/cli/plain-line.ts', 'agent/src/cli/program.ts'];
/** The commands, and what they load of their own. */
const nextDoor = /^\.\//;

/**
 * Has each of these files, and what they load later, need all of these cores. What all of them need
 * becomes one module; otherwise there would be one for each set of files that need the same.
 */
function together(cores, files, later) {
  const wholes = cores.map((core) => join(root, core));
  const others = new Set(files.map((file) => join(root, file)));
  return {
    name: 'together',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: later }, ({ path, kind, resolveDir }) => {
        if (kind === 'dynamic-import') others.add(join(resolveDir, path));
        return undefined;
      });
      onLoad({ filter: /agent[/\\]src[/\\].*\.ts$/ }, ({ path }) => {
        if (!others.has(path) || wholes.includes(path)) return undefined;
        const needs = wholes.map((whole) => `import ${JSON.stringify(whole)};\n`);
        return { contents: readFileSync(path, 'utf8') + needs.join(''), loader: 'ts' };
      });
    },
  };
}

function wholeAgent(files) {
  return together(['agent/src/mod.ts'], files, loadedLater);
}

/** What a command needs of the protocol is in its own modules: to find a package takes its time. */
const ownBase = {
  name: 'own-base',
  setup({ onResolve }) {
    onResolve({ filter: /^@holdfast\/protocol\/base$/ }, () => {
      return { path: join(root, 'protocol/src/base.ts'), sideEffects: false };
    });
  },
};

/** The parser of command lines loads this for commands that are programs of their own. */
const fewBuiltins = {
  name: 'few-builtins',
  setup({ onResolve }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) => {
      if (!/[/\\]commander[/\\]/.test(importer)) return undefined;
      return { path: join(root, 'packaging/nothing.cjs') };
    });
  },
};

/** What has been made. */
const elsewhere = {
  name: 'elsewhere',
  setup({ onResolve }) {
    const filter = new RegExp(`^\\./cli/(?:${inside.join('|')})\\.ts$`);
    onResolve({ filter }, ({ path }) => {
      return { path: `./cli-${basename(path, '.ts')}.js`, external: true };
    });
  },
};

/** Is made by itself, so that an agent finds it at its first dial though its install is newer. */
const ownClient = {
  name: 'own-client',
  setup({ onResolve }) {
    onResolve({ filter: /\/mqtt\.ts$/ }, ({ kind }) => {
      return kind === 'entry-point' ? undefined : { path: './mqtt.js', external: true };
    });
  },
};

const client = { mqtt: 'agent/src/io/mqtt.ts' };

/** Who speaks MQTT over WebSocket gives the client what it speaks on: it makes none itself. */
const noWebSocket = {
  name: 'no-web-socket',
  setup({ onResolve }) {
    onResolve({ filter: /^ws$/ }, () => ({ path: join(root, 'packaging/nothing.cjs') }));
  },
};

/** Reads the store of an agent that does not run. */
const reader = { 'read-stopped': 'agent/src/read-stopped.ts' };

/** What the command line starts with, and nothing of what it loads later. */
const alone = {
  name: 'alone',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, kind }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = path === './program.ts' ? 'cli-program' : basename(path, '.ts');
      return { path: `./${name}.js`, external: true };
    });
  },
};

/** Deletes the modules of an earlier build: names of parts change with what they hold. */
function clear(dist, ...metafiles) {
  const made = new Set(metafiles.flatMap(({ outputs }) => Object.keys(outputs)));
  for (const path of readdirSync(join(root, dist), { recursive: true })) {
    if (!/\.c?js(?:\.map)?$/.test(path) || path.startsWith('web')) continue;
    if (!made.has(join(dist, path))) rmSync(join(root, dist, path));
  }
}

/** @param contents What stands for the file that loads the native part of the store. */
const nativePart = (contents) => ({
  name: 'native-part',
  setup({ onLoad }) {
    onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({ contents }));
  },
});

/** Where npm has put it, which is for the machine that runs this. */
const installedPart = nativePart(`
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const store = createRequire(require.resolve('level')).resolve('classic-level/package.json');
module.exports = require(join(dirname(store), 'binding.js'));
`);

/** Beside the modules; which one, the architecture says. */
const packagedPart = nativePart("module.exports = require('../classic-level.node');");

/**
 * Writes the agent to a directory, with all that it needs: its program, what workflows import, and
 * what describes it. It needs no npm there.
 *
 * @param directory For `dist/` and `package.json`; `classic-level.node` belongs there too.
 * @param version What the agent says that it is.
 */
export async function bundleAgent(directory, version) {
  const [mod, testing] = ['agent/src/mod.ts', 'agent/src/testing/mod.ts'];
  const program = { 'cli-program': 'agent/src/cli/program.ts', ...reader };
  const outdir = join(directory, 'dist');
  const small = { ...form, banner, outdir, minifyWhitespace: true, legalComments: 'none' };
  const external = ['../classic-level.node', 'cbor-extract'];
  await build({
    ...{ ...small, external, entryPoints: { ...program, mod, testing } },
    plugins: [packagedPart, ownClient, wholeAgent([mod, testing, reader['read-stopped']])],
  });
  await build({ ...small, external, entryPoints: client, plugins: [noWebSocket] });
  await bundleMain(outdir, { ...small, banner: { js: '#!/usr/bin/env node' } });
  chmodSync(join(outdir, 'holdfast.cjs'), 0o755);
  const { name, license, engines } = JSON.parse(
    readFileSync(join(root, 'agent/package.json'), 'utf8'),
  );
  const exported = { '.': './dist/mod.js', './testing': './dist/testing.js' };
  const manifest = { name, version, type: 'module', license, engines, exports: exported };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Where npm has put the native part for this machine. */
export function nativePartHere() {
  const level = createRequire(import.meta.url).resolve('level');
  const manifest = createRequire(level).resolve('classic-level/package.json');
  return createRequire(manifest)('node-gyp-build').path(dirname(manifest));
}
