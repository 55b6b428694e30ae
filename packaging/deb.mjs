// Makes the Debian packages of the agent:
//
//   npm run deb -- [amd64|arm64|armhf …]
//
// One file tree for each architecture: the agent as a few ES modules, the store's native part as
// its authors built it, a unit and its settings. Nothing is compiled: one machine makes all.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { BuildFailure } from '../build.mjs';
import { bundleAgent } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

/** The native part of the store for each architecture of Debian. */
const natives = {
  amd64: 'linux-x64/classic-level.node',
  arm64: 'linux-arm64/classic-level.armv8.node',
  armhf: 'linux-arm/classic-level.armv7.node',
};

/** When what is packed was released: the same sources make the same bytes. */
const RELEASED_S = Date.UTC(2026, 10, 28) / 1_000;

const control = ({ version, architecture, sizeKiB }) => `Package: holdfast
Version: ${version}
Architecture: ${architecture}
Maintainer: The Holdfast developers <holdfast@holdfast.example>
Installed-Size: ${sizeKiB}
Depends: nodejs (>= 20.19), adduser, libc6 (>= 2.31), libstdc++6
Recommends: systemd
Section: net
Priority: optional
Homepage: https://holdfast.example
Description: durable workflows for devices that go offline
 The agent of Holdfast runs workflows on this device, journals each step to
 stable storage, goes on without a link, and hands its journal to a gateway
 over MQTT when there is one: exactly once and in order.
`;

/** Files of the tree that are written as they are: from, to, mode. */
const plain = [
  ['device/holdfast.service', 'usr/lib/systemd/system/holdfast.service', 0o644],
  ['device/agent.toml', 'etc/holdfast/agent.toml', 0o644],
  ['device/flows.js', 'etc/holdfast/flows/flows.js', 0o644],
  ['device/copyright', 'usr/share/doc/holdfast/copyright', 0o644],
  ['device/postinst', 'DEBIAN/postinst', 0o755],
  ['device/prerm', 'DEBIAN/prerm', 0o755],
  ['device/postrm', 'DEBIAN/postrm', 0o755],
];

/**
 * Makes one package.
 *
 * @param architecture Of Debian: `amd64`, `arm64` or `armhf`.
 * @param outDir Directory for it, and for the tree that it is made from.
 * @param version Default: the one of the agent.
 * @returns The path of the package.
 */
export async function makeDeb(architecture, outDir, version = agentVersion()) {
  const native = natives[architecture];
  if (native === undefined) {
    const known = Object.keys(natives).join(', ');
    throw new BuildFailure(`There is no architecture ${architecture}`, known, 'Name one of them.');
  }
  const tree = join(outDir, `holdfast_${version}_${architecture}`);
  fs.rmSync(tree, { recursive: true, force: true });
  await bundleAgent(join(tree, 'usr/lib/holdfast'), version);
  const prebuilds = join(root, 'node_modules/classic-level/prebuilds');
  write(tree, 'usr/lib/holdfast/classic-level.node', fs.readFileSync(join(prebuilds, native)));
  const page = join(root, 'agent/dist/web');
  for (const name of fs.readdirSync(page)) {
    write(tree, `usr/lib/holdfast/dist/web/${name}`, fs.readFileSync(join(page, name)));
  }
  for (const [from, to, mode] of plain) write(tree, to, fs.readFileSync(join(here, from)), mode);
  const changes = `holdfast (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n`;
  const signature = ` -- The Holdfast developers <holdfast@holdfast.example>  ${date()}\n`;
  write(tree, 'usr/share/doc/holdfast/changelog.gz', gzipSync(changes + signature, { level: 9 }));
  const manual = fs.readFileSync(join(here, 'man/holdfast.1'));
  write(tree, 'usr/share/man/man1/holdfast.1.gz', gzipSync(manual, { level: 9 }));
  link(tree, 'usr/bin/holdfast', '../lib/holdfast/dist/holdfast.cjs');
  // Workflows import '@holdfast/agent': the one that runs them.
  link(tree, 'etc/holdfast/flows/node_modules/@holdfast/agent', '/usr/lib/holdfast');
  finish(tree, { version, architecture });
  const file = `${tree}.deb`;
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(RELEASED_S) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return file;
}

function agentVersion() {
  return JSON.parse(fs.readFileSync(join(root, 'agent/package.json'), 'utf8')).version;
}

function date() {
  return new Date(RELEASED_S * 1_000).toUTCString().replace('GMT', '+0000');
}

function write(tree, path, bytes, mode = 0o644) {
  const file = join(tree, path);
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  fs.chmodSync(file, mode);
}

function link(tree, path, target) {
  const file = join(tree, path);
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.symlinkSync(target, file);
}

/** What describes the tree, once all else is there. */
function finish(tree, { version, architecture }) {
  const files = fs
    .readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('DEBIAN/'))
    .toSorted();
  const sizes = files.map((path) => Math.ceil(fs.statSync(join(tree, path)).size / 1_024));
  const sizeKiB = sizes.reduce((all, one) => all + one, 0);
  const sums = files.map((path) => {
    const sum = createHash('md5')
      .update(fs.readFileSync(join(tree, path)))
      .digest('hex');
    return `${sum}  ${path}\n`;
  });
  write(tree, 'DEBIAN/control', control({ version, architecture, sizeKiB }));
  write(tree, 'DEBIAN/md5sums', sums.join(''));
  const settings = files.filter((path) => path.startsWith('etc/'));
  write(tree, 'DEBIAN/conffiles', settings.map((path) => `/${path}\n`).join(''));
  const directories = fs
    .readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory());
  for (const each of directories) fs.chmodSync(join(each.parentPath, each.name), 0o755);
  fs.chmodSync(tree, 0o755);
}

async function main(args) {
  const outDir = join(here, 'dist');
  for (const architecture of args.length > 0 ? args : Object.keys(natives)) {
    const file = await makeDeb(architecture, outDir);
    const sizeKiB = Math.ceil(fs.statSync(file).size / 1_024);
    process.stdout.write(`${relative(root, file)}  ${sizeKiB} KiB\n`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
