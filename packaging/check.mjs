// Installs the packages where they are meant for, and works with them:
//
//   npm run check:packages -- [npm] [debian] [pi] [arm64] [armhf] [image]
//
// `npm`: every workspace, packed, installed in an empty folder, and the demo there. `debian`: the
// .deb in a Debian 13 of its own: lintian, install, kill -9, upgrade, remove, purge. `pi`: the
// commands of docs/install/raspberry-pi.md, one by one, under a systemd that is started for it, and
// what that does when the agent hangs, fails and is upgraded by apt. `arm64` and
// `armhf`: the same agent under emulation. These need root on Debian, with mmdebstrap, lintian and
// qemu-user-static. `image`: the container of the gateway, where there is an engine.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emulate, makeRoot, rootOf, run, running } from './debian-root.mjs';
import { makeDeb } from './deb.mjs';
import { checkFirstRun } from './first-run.mjs';
import { checkImage, engineHere } from './image.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function check(what, holds, found = '') {
  process.stdout.write(`${holds ? 'ok' : 'FAILED'}  ${what}${holds ? '' : `: ${found}`}\n`);
  if (!holds) process.exitCode = 1;
}

function checkNpm(dir) {
  run('npm', ['pack', '--workspaces', '--silent', '--pack-destination', dir], { cwd: root });
  const packed = fs.readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  const installed = (name, wanted) => {
    const cwd = join(dir, name);
    fs.mkdirSync(cwd);
    fs.writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }\n');
    const files = packed.filter(wanted).map((file) => join(dir, file));
    run('npm', ['install', ...quiet, ...files], { cwd });
    return cwd;
  };
  const alone = installed('alone', (file) => /-(?:agent|protocol)-/.test(file));
  const version = run('npx', ['holdfast', 'version'], { cwd: alone });
  check('npm: holdfast starts in an empty folder', version.startsWith('holdfast '), version);
  const needless = ['commander', 'mqtt', 'node-cron', 'p-retry', 'smol-toml', 'cbor-x'];
  const twice = needless.filter((each) => fs.existsSync(join(alone, 'node_modules', each)));
  check('npm: what its modules hold is not installed again', twice.length === 0, twice.join(' '));
  const app = installed('app', () => true);
  for (const program of ['holdfast', 'holdfast-gateway', 'holdfast-sim']) {
    const said = run('npx', [program, 'version'], { cwd: app });
    check(`npm: ${program} starts beside the others`, said.includes('0.1.0'), said);
  }
  for (const name of ['protocol', 'agent', 'gateway', 'device-sim', 'agent/testing']) {
    const load = `import('@holdfast/${name}').then((all) => console.log(Object.keys(all).length))`;
    const count = Number(run(process.execPath, ['--eval', load], { cwd: app }));
    check(`npm: @holdfast/${name} is imported (${count} names)`, count > 0);
  }
  const demo = JSON.parse(run('npx', ['holdfast-sim', 'demo', '--json'], { cwd: app }));
  check('npm: the demo holds there', demo.ok === true, JSON.stringify(demo));
}

/** A gateway of this machine. @returns Where it listens, and its directory. */
async function startGateway(dir) {
  const serve = [join(root, 'gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'];
  const ports = ['--mqtt-port', '0', '--http-port', '0'];
  const child = spawn(process.execPath, [...serve, ...ports, '--data-dir', join(dir, 'cloud')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((done) => child.on('close', done));
  running.set(child.pid, async (signal) => {
    child.kill(signal);
    await ended;
  });
  return new Promise((done) => {
    child.stdout.once('data', (line) => {
      done({ ...JSON.parse(String(line)), dataDir: join(dir, 'cloud') });
    });
  });
}

/** Runs end, survive a kill, and reach a gateway: the same everywhere. */
async function checkAgent(name, debian, gateway) {
  const settings = debian.path('etc/holdfast/agent.d/20-gateway.toml');
  fs.writeFileSync(settings, `gateway = "${gateway}"\n`);
  const kill = await debian.agent();
  debian.holdfast('start', 'hello', '--input', '"Pi"', '--id', 'first');
  debian.holdfast('wait', '--run', 'first', '--timeout', '1m');
  debian.holdfast('start', 'hello', '--input', '"kill"', '--id', 'second');
  await kill('SIGKILL');
  const again = await debian.agent();
  const second = debian.holdfast('wait', '--run', 'second', '--timeout', '1m');
  check(`${name}: a run goes on after kill -9`, second.includes('Hello, kill!'), second);
  const { runs } = JSON.parse(debian.holdfast('status', '-o', 'json'));
  check(`${name}: both runs are there`, runs.completed === 2, JSON.stringify(runs));
  debian.holdfast('wait', '--synced', '--timeout', '1m');
  const { link, backlog } = JSON.parse(debian.holdfast('status', '-o', 'json'));
  const isSynced = link.state === 'synced' && backlog.pending === 0;
  check(`${name}: the gateway has everything`, isSynced, JSON.stringify(link));
  await again('SIGTERM');
}

async function checkDebian(dir) {
  const own = run('dpkg', ['--print-architecture']).trim();
  const deb = await makeDeb(own, dir);
  const sizeKiB = Math.ceil(fs.statSync(deb).size / 1_024);
  check(`debian: the package has at most 1 MiB (${sizeKiB} KiB)`, sizeKiB <= 1_024);
  const found = run('lintian', [
    '--allow-root',
    '--fail-on',
    'none',
    '--tag-display-limit',
    '0',
    deb,
  ]);
  check('debian: lintian finds no error', !/^E:/m.test(found), found);
  const include = 'nodejs,adduser,init-system-helpers';
  const target = makeRoot(dir, own, { variant: 'apt', include });
  const debian = rootOf(target, ['/usr/sbin/runuser', '-u', 'holdfast', '--']);
  const install = (file) => {
    fs.copyFileSync(file, join(target, basename(file)));
    debian.run('dpkg', '--install', `/${basename(file)}`);
  };
  install(deb);
  debian.run('install', '-d', '-o', 'holdfast', '/run/holdfast', '/var/lib/holdfast');
  await checkAgent('debian', debian, (await startGateway(dir)).mqtt);
  fs.writeFileSync(debian.path('etc/holdfast/agent.toml'), '\nretention = "3d"\n', { flag: 'a' });
  install(await makeDeb(own, dir, '9.9.9'));
  const { agent, runs } = JSON.parse(debian.holdfast('status', '-o', 'json'));
  check('debian: an upgrade keeps runs', agent.version === '9.9.9' && runs.completed === 2);
  const settings = fs.readFileSync(debian.path('etc/holdfast/agent.toml'), 'utf8');
  check('debian: an upgrade keeps settings', settings.includes('3d'));
  debian.run('dpkg', '--remove', 'holdfast');
  check(
    'debian: removing keeps the journal',
    fs.existsSync(debian.path('var/lib/holdfast/device.json')),
  );
  debian.run('dpkg', '--purge', 'holdfast');
  check('debian: purging deletes it', !fs.existsSync(debian.path('var/lib/holdfast')));
}

async function checkEmulated(dir, architecture) {
  const deb = await makeDeb(architecture, dir);
  emulate(architecture);
  const target = makeRoot(dir, architecture, { variant: 'extract', include: 'nodejs' });
  run('dpkg-deb', ['--extract', deb, target]);
  fs.mkdirSync(join(target, 'etc/holdfast/agent.d'));
  fs.writeFileSync(join(target, 'etc/holdfast/agent.d/10-device.toml'), 'device = "pi"\n');
  fs.mkdirSync(join(target, 'var/lib/holdfast'));
  const { mqtt } = await startGateway(join(dir, architecture));
  await checkAgent(architecture, rootOf(target, []), mqtt);
}

/** The commands of the document, in a Debian that has what a Pi has when it is new. */
async function checkPi(dir) {
  const own = run('dpkg', ['--print-architecture']).trim();
  const gateway = await startGateway(join(dir, 'pi'));
  const debs = [await makeDeb(own, dir), await makeDeb(own, dir, '9.9.9')];
  await checkFirstRun({ dir, architecture: own, debs, gateway, check });
}

const checks = {
  npm: checkNpm,
  debian: checkDebian,
  pi: checkPi,
  arm64: (dir) => checkEmulated(dir, 'arm64'),
  armhf: (dir) => checkEmulated(dir, 'armhf'),
  image: (dir) => {
    const engine = engineHere();
    if (engine !== undefined) return checkImage(engine, dir, check);
    process.stdout.write('skipped  image: there is no engine to build it with\n');
  },
};

const dir = fs.mkdtempSync(join(tmpdir(), 'holdfast-packages-'));
try {
  const named = process.argv.slice(2);
  for (const name of named.length > 0 ? named : Object.keys(checks)) await checks[name](dir);
} catch (error) {
  process.stderr.write(`error: The check did not come to its end\n  cause: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  for (const end of running.values()) await end('SIGKILL');
  fs.rmSync(dir, { recursive: true, force: true });
}
