// Makes a few ES modules of the compiled agent and all that it needs: it starts sooner than from a
// hundred files, and installs without npm.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The one native part lies beside the modules; which one, the architecture says. */
const nativePart = {
  name: 'native-part',
  setup({ onLoad }) {
    const contents = "module.exports = require('../classic-level.node');";
    onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({ contents }));
  },
};

/** What was written for `require` finds it. */
const banner = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;

/**
 * Writes the agent to a directory: its program, what workflows import, and what describes it.
 *
 * @param directory For `dist/` and `package.json`; `classic-level.node` belongs there too.
 * @param version What the agent says that it is.
 */
export async function bundleAgent(directory, version) {
  await build({
    absWorkingDir: root,
    entryPoints: {
      holdfast: 'agent/dist/cli/main.js',
      mod: 'agent/dist/mod.js',
      testing: 'agent/dist/testing/mod.js',
    },
    outdir: join(directory, 'dist'),
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ minifySyntax: true, minifyWhitespace: true, legalComments: 'none', logLevel: 'warning' },
    banner: { js: banner },
    external: ['../classic-level.node', 'cbor-extract'],
    plugins: [nativePart],
  });
  const program = join(directory, 'dist', 'holdfast.js');
  writeFileSync(program, `#!/usr/bin/env node\n${readFileSync(program, 'utf8')}`);
  chmodSync(program, 0o755);
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
