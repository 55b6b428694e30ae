// What some tests need besides Node. On Debian as root `npm test` installs what is missing;
// elsewhere it says what is, and the tests that need it are skipped by name.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Programs by name, with the Debian package that has each. */
const programs = {
  cc: 'gcc libc6-dev',
  chromium: 'chromium',
  faketime: 'faketime',
  fish: 'fish',
  initdb: 'postgresql',
  ip: 'iproute2',
  mosquitto: 'mosquitto',
  'nats-server': 'nats-server',
  python3: 'python3',
  openssl: 'openssl',
  spin: 'spin',
  'dpkg-deb': 'dpkg',
  'systemd-analyze': 'systemd',
  'systemd-notify': 'systemd',
  zsh: 'zsh',
};

// Debian keeps servers where the PATH of a user may not lead. Tests inherit this.
process.env.PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin`;

/** Debian keeps the programs of PostgreSQL by its versions, where no PATH leads. */
function isThere(name) {
  const look = `command -v ${name} || ls /usr/lib/postgresql/*/bin/${name}`;
  return spawnSync('sh', ['-c', look], { stdio: 'ignore' }).status === 0;
}

function missingPrograms() {
  return Object.keys(programs).filter((name) => !isThere(name));
}

function run(command, args, env) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', () => done(127));
    child.on('close', (code) => done(code ?? 1));
  });
}

// While this says no, a package does not start the service that it brings.
const policy = '/usr/sbin/policy-rc.d';

/** Runs `install` and has no service started by it. */
async function withoutServices(install) {
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await install();
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}

async function installPackages(names) {
  const packages = names.flatMap((name) => programs[name].split(' '));
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = ['-qq', '-o', 'DPkg::Lock::Timeout=120'];
  process.stderr.write(`holdfast: installing ${packages.join(' ')} (apt-get)\n`);
  await run('apt-get', [...quiet, 'update'], env);
  const args = [...quiet, '-y', '--no-install-recommends', 'install', ...packages];
  await withoutServices(() => run('apt-get', args, env));
}

/** Installs what is missing, where that can be done. @returns What is still missing. */
export async function prepareMachine() {
  const missing = missingPrograms();
  const isDebian = existsSync('/etc/debian_version') && isThere('apt-get');
  if (missing.length > 0 && isDebian && process.getuid?.() === 0) await installPackages(missing);
  return missingPrograms();
}
