// A Debian 13 of its own in a directory: as root, with mmdebstrap; for a processor that this
// machine has not, with qemu-user-static.
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildFailure } from '../build.mjs';

export function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
    timeout: 300_000,
    env: { PATH: process.env.PATH, HOME: tmpdir() },
    ...options,
  });
}

/** What ends each process that is left, by pid. */
export const running = new Map();

/** Packages of Debian 13 lie in /usr; nothing that `extract` leaves out makes the links to it. */
const mergedUsr =
  'cd "$1" && mkdir -p usr/bin usr/lib usr/sbin && ln -s usr/bin usr/lib usr/sbin .';
/** The release alone: the archives of its updates are at times half synced. */
const releaseAlone = `sed -i '/trixie-/d' "$1/etc/apt/sources.list"`;

/**
 * Makes a root.
 *
 * @param variant `extract` has no package manager, and takes seconds; `apt` has one.
 * @param include Names of packages, with commas between.
 */
export function makeRoot(dir, architecture, { variant, include }) {
  const target = join(dir, `root-${architecture}-${variant}`);
  run('mmdebstrap', [
    ...[`--variant=${variant}`, `--architectures=${architecture}`, `--include=${include}`],
    ...['--quiet', `--setup-hook=${mergedUsr}`, `--setup-hook=${releaseAlone}`, 'trixie', target],
  ]);
  fs.mkdirSync(join(target, 'run/holdfast'), { recursive: true });
  return target;
}

/** How to do things in a root: as its superuser, and as the user that the package makes. */
export function rootOf(target, asUser) {
  const program = ['/usr/bin/node', '/usr/lib/holdfast/dist/holdfast.cjs'];
  const enter = [target, ...asUser, ...program];
  return {
    path: (path) => join(target, path),
    run: (...command) => run('chroot', [target, ...command]),
    holdfast: (...args) => run('chroot', [...enter, ...args]),
    async agent() {
      const child = spawn('chroot', [...enter, 'run', '--config', '/etc/holdfast/agent.toml'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env.PATH },
      });
      const ended = new Promise((done) => child.on('close', done));
      const line = await new Promise((done, fail) => {
        child.stdout.once('data', (chunk) => done(String(chunk)));
        child.on('close', (code) => fail(new BuildFailure('The agent ended', `code ${code}`, '')));
      });
      const pid = Number(/ pid (\d+)/.exec(line)?.[1]);
      const end = async (signal) => {
        running.delete(pid);
        process.kill(pid, signal);
        await ended;
      };
      running.set(pid, end);
      return end;
    },
  };
}

const emulators = {
  arm64: [
    'qemu-aarch64-static',
    String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  ],
  armhf: [
    'qemu-arm-static',
    String.raw`\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00`,
  ],
};

/** Has the kernel start programs of another architecture by its emulator. */
export function emulate(architecture) {
  const [emulator, magic] = emulators[architecture];
  const registry = '/proc/sys/fs/binfmt_misc';
  if (!fs.existsSync(join(registry, 'register'))) {
    run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', registry]);
  }
  if (fs.existsSync(join(registry, emulator))) return;
  const ff = (count) => String.raw`\xff`.repeat(count);
  const mask = String.raw`${ff(7)}\x00${ff(8)}\xfe${ff(3)}`;
  fs.writeFileSync(
    join(registry, 'register'),
    `:${emulator}:M::${magic}:${mask}:/usr/bin/${emulator}:F`,
  );
}

/** File systems that a first process finds, on namespaces of its own. */
const MOUNT = `
  set -e
  mount --make-rprivate /
  mount --bind "$1" "$1"
  mount -t proc proc "$1/proc"
  mount -t sysfs -o ro sysfs "$1/sys"
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$1/run"
  mount -t tmpfs -o mode=755 tmpfs "$1/dev"
  for each in null zero full random urandom tty; do
    touch "$1/dev/$each" && mount --bind "/dev/$each" "$1/dev/$each"
  done
  ln -s /proc/self/fd "$1/dev/fd"
  mkdir "$1/dev/shm" "$1/dev/pts"
  exec env -i container=check PATH=/usr/sbin:/usr/bin chroot "$1" /usr/lib/systemd/systemd`;

/**
 * Starts a root as a machine is started, with its systemd as the first process. It shares the
 * network of this machine.
 *
 * @returns How to do things there as its superuser, by lines for its shell.
 */
export async function bootRoot(target) {
  const apart = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child'];
  const child = spawn('unshare', [...apart, 'sh', '-c', MOUNT, 'sh', target], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const ended = new Promise((done) => child.on('close', done));
  running.set(child.pid, async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const first = () => {
    const path = `/proc/${child.pid}/task/${child.pid}/children`;
    return fs.readFileSync(path, 'utf8').trim();
  };
  const inside = (line) => {
    const enter = ['--target', first(), '--mount', '--pid', '--uts', '--ipc', '--root'];
    return run('nsenter', [...enter, '--wdns=/srv', 'sh', '-c', line], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/srv' },
    });
  };
  for (let tries = 0; ; tries += 1) {
    await new Promise((done) => setTimeout(done, 500));
    if (child.exitCode !== null) throw new BuildFailure('systemd ended', `${child.exitCode}`, '');
    try {
      const state = inside('systemctl is-system-running || true').trim();
      if (/^(?:running|degraded)$/.test(state)) return { run: inside };
    } catch {
      // Not yet.
    }
    if (tries > 120) throw new BuildFailure('systemd did not come up', target, '');
  }
}
