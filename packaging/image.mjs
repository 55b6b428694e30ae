// Builds the image of the gateway and sees whether a gateway made of it is healthy: with Docker,
// or with buildah, which needs no service. Where no registry is, buildah builds on a stand-in for
// the image of Node: a small Debian, with the Node that runs this.
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const DOCKERFILE = 'packaging/gateway/Dockerfile';
const TAG = 'localhost/holdfast-gateway:check';

function run(command, ...args) {
  const options = { cwd: root, encoding: 'utf8', timeout: 900_000, maxBuffer: 2 ** 26 };
  return execFileSync(command, args, options).trim();
}

function works(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** What there is to build with; the program of Docker alone is no engine. */
export function engineHere() {
  if (works('docker', 'info', '--format', '{{.ID}}')) return 'docker';
  const isRoot = process.getuid?.() === 0;
  return isRoot && works('buildah', 'version') && works('mmdebstrap', '--version')
    ? 'buildah'
    : undefined;
}

/** Builds the image, and waits until a gateway made of it says that it is healthy. */
export async function checkImage(engine, dir, check) {
  if (engine === 'docker') return checkWithDocker(check);
  return checkWithBuildah(dir, check);
}

async function checkWithDocker(check) {
  run('docker', 'build', '--file', DOCKERFILE, '--tag', TAG, '.');
  const id = run('docker', 'run', '--detach', '--rm', TAG);
  const look = () => run('docker', 'inspect', '--format', '{{.State.Health.Status}}', id);
  try {
    for (let second = 0; second < 60 && look() !== 'healthy'; second += 1) {
      await new Promise((done) => setTimeout(done, 1_000));
    }
    const health = look();
    check('image: a gateway made of it is healthy', health === 'healthy', health);
  } finally {
    run('docker', 'stop', id);
  }
}

/** Without an overlay file system in the kernel each layer is a copy. */
const apart = (dir) => ['--root', join(dir, 'images'), '--runroot', join(dir, 'containers')];

function checkWithBuildah(dir, check) {
  const storage = [...apart(dir), '--storage-driver', 'vfs'];
  const buildah = (...args) => run('buildah', ...storage, ...args);
  const [, image] = /^FROM (\S+)/m.exec(fs.readFileSync(join(root, DOCKERFILE), 'utf8')) ?? [];
  standIn(dir, image, buildah);
  const how = ['--isolation', 'chroot', '--pull-never', '--format', 'docker', '--layers=false'];
  buildah('build', ...how, '--file', DOCKERFILE, '--tag', TAG, '.');
  const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', TAG));
  const { User, Entrypoint, Cmd, Healthcheck } = Docker.config;
  check('image: it does not run as root', User !== '' && User !== 'root', User);
  const container = buildah('from', '--pull-never', TAG);
  const asked = Healthcheck.Test.slice(1);
  const quoted = (word) => `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const words = (list) => list.map(quoted).join(' ');
  const inside = `buildah ${words(storage)} run --isolation chroot ${container} --`;
  // In a network of its own: the ports of the image may be taken here.
  const script = `ip link set lo up
    ${inside} ${words([...Entrypoint, ...Cmd])} > '${dir}/gateway.log' 2>&1 & gateway=$!
    for second in $(seq 60); do
      if ${inside} ${words(asked)}; then echo healthy; break; fi
      sleep 1
    done
    ${inside} sh -c 'id -un; kill -TERM $(pgrep -f holdfast-gateway || true)' || true
    kill $gateway 2> /dev/null; wait $gateway || true`;
  const alone = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const said = run('unshare', ...alone, 'sh', '-c', script);
  const log = fs.readFileSync(join(dir, 'gateway.log'), 'utf8');
  check('image: a gateway made of it is healthy', said.includes('healthy'), `${said}\n${log}`);
}

/** Makes an image of the name that the Dockerfile begins with. */
function standIn(dir, image, buildah) {
  const tree = join(dir, 'node-image');
  const include = '--include=ca-certificates,libstdc++6,libatomic1';
  run('mmdebstrap', '--variant=minbase', '--quiet', include, 'bookworm', tree);
  const npm = join(dirname(dirname(process.execPath)), 'lib/node_modules/npm');
  fs.mkdirSync(join(tree, 'usr/local/lib/node_modules'), { recursive: true });
  fs.copyFileSync(process.execPath, join(tree, 'usr/local/bin/node'));
  fs.cpSync(npm, join(tree, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    fs.symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(tree, 'usr/local/bin', name));
  }
  // Whom this machine trusts when it asks for packages.
  const trusted = process.env.NODE_EXTRA_CA_CERTS;
  if (trusted) fs.copyFileSync(trusted, join(tree, 'etc/ssl/certs/trusted.pem'));
  const trust = ['--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/trusted.pem'];
  const container = buildah('from', 'scratch');
  buildah('add', '--quiet', container, tree, '/');
  const path = ['--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'];
  buildah('config', ...path, ...(trusted ? trust : []), container);
  buildah('commit', '--quiet', '--rm', container, `docker.io/library/${image}`);
}
