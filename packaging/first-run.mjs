// From a fresh machine to the first run that is synced, as docs/install/raspberry-pi.md has it.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootRoot, makeRoot } from './debian-root.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What a fresh Pi has, as far as it matters here; not Node. */
const FRESH = 'systemd,systemd-sysv,sudo,init-system-helpers';

const NAME = 'pi-1';

/** The commands of the document. */
function commandsOfDocument() {
  const text = fs.readFileSync(join(root, 'docs/install/raspberry-pi.md'), 'utf8');
  const [, lines = ''] = /^```sh\n(.*?)^```$/ms.exec(text) ?? [];
  return lines.trim().split('\n');
}

/** A token of a gateway of this machine. */
function tokenOf({ dataDir, http }) {
  const program = join(root, 'gateway/bin/holdfast-gateway.js');
  const made = ['enroll', 'create', '--address', http, '--data-dir', dataDir];
  return execFileSync(process.execPath, [program, ...made], {
    ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  });
}

export async function checkFirstRun({ dir, architecture, debs, gateway, check }) {
  const target = makeRoot(dir, architecture, { variant: 'apt', include: FRESH });
  fs.copyFileSync('/etc/resolv.conf', join(target, 'etc/resolv.conf'));
  fs.writeFileSync(join(target, 'etc/hostname'), `${NAME}\n`);
  fs.writeFileSync(join(target, 'etc/hosts'), `127.0.0.1 localhost ${NAME}\n`);
  const [deb, newer] = debs.map((file) => {
    fs.copyFileSync(file, join(target, 'srv', basename(file)));
    return `./${basename(file)}`;
  });
  fs.writeFileSync(join(target, 'srv/token.txt'), tokenOf(gateway));
  const pi = await bootRoot(target);
  const commands = commandsOfDocument();
  check(`pi: the document has at most five commands (${commands.length})`, commands.length <= 5);
  for (const command of commands) {
    // Nobody is there to be asked.
    const own = command.replace(/install \.\/holdfast_\S+\.deb/, `install -y ${deb}`);
    const startedAt = performance.now();
    const said = pi.run(own);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    check(`pi: ${command} (${seconds} s)`, !/error:/.test(said), said);
  }
  const { link, backlog, runs } = JSON.parse(pi.run('sudo holdfast status -o json'));
  const isSynced = link.state === 'synced' && backlog.pending === 0 && runs.completed === 1;
  check('pi: the first run is synced', isSynced, JSON.stringify({ link, backlog, runs }));
  checkUnit(pi, check);
  await checkCare(pi, check);
  checkUpgrade(pi, newer, check);
}

/** What the package has set up, and how it runs. */
function checkUnit(pi, check) {
  const names = ['Type', 'NotifyAccess', 'ActiveState', 'UnitFileState', 'User', 'StatusText'];
  const said = pi.run(`systemctl show holdfast --property ${names.join(',')}`);
  const unit = Object.fromEntries(said.trim().split('\n').map((line) => line.split(/=(.*)/s)));
  const seen = `${unit.Type} ${unit.ActiveState} ${unit.User}`;
  check('pi: the unit is of type notify, and active', seen === 'notify active holdfast', said);
  check('pi: it starts with the machine', unit.UnitFileState === 'enabled', said);
  const told = unit.StatusText ?? '';
  check('pi: systemd is told how it is', /, \d+ pending, 0 stuck$/.test(told), said);
  const owned = pi.run(`stat -c '%U %a %n' /var/lib/holdfast /run/holdfast /etc/holdfast`);
  check('pi: directories are its own', /^holdfast 700 \S+\nholdfast 750 /.test(owned), owned);
  const others = pi.run('find /var/lib/holdfast -not -user holdfast');
  check('pi: and all that root has made in them', others === '', others);
  const doctor = pi.run('sudo holdfast doctor -o json || true');
  const found = JSON.parse(doctor);
  const service = found.findings.find((each) => each.check === 'service');
  check('pi: doctor finds nothing wrong', found.failures === 0, doctor);
  check('pi: doctor knows the service', service?.text.startsWith('active (running)'), doctor);
}

/** What systemd does with an agent that hangs, or whose settings are wrong. */
async function checkCare(pi, check) {
  const property = (name) => pi.run(`systemctl show holdfast --property ${name} --value`).trim();
  // As the unit has it, but sooner.
  pi.run(`mkdir -p /run/systemd/system/holdfast.service.d
    printf '[Service]\\nWatchdogSec=6s\\n' > /run/systemd/system/holdfast.service.d/soon.conf
    systemctl daemon-reload && systemctl restart holdfast`);
  const pid = property('MainPID');
  await new Promise((done) => setTimeout(done, 9_000));
  check('pi: an agent that makes progress is left alone', property('MainPID') === pid, pid);
  pi.run(`kill -STOP ${pid}`);
  const isAnother = () => !['0', pid].includes(property('MainPID'));
  for (let tries = 0; tries < 60 && !isAnother(); tries += 1) {
    await new Promise((done) => setTimeout(done, 500));
  }
  check('pi: one that hangs is started anew by the watchdog', isAnother(), property('Result'));
  pi.run(`echo 'no-such = 1' > /etc/holdfast/agent.d/90-wrong.toml
    systemctl restart holdfast || true`);
  await new Promise((done) => setTimeout(done, 4_000));
  const [state, status] = [property('ActiveState'), property('ExecMainStatus')];
  check('pi: one whose settings are wrong is not', `${state} ${status}` === 'failed 78', state);
  const told = pi.run('sudo holdfast doctor || true');
  check('pi: doctor says so', /service +✗ failed .*settings are wrong/.test(told), told);
  pi.run('rm /etc/holdfast/agent.d/90-wrong.toml && systemctl restart holdfast');
}

/** By apt, as people do it. */
function checkUpgrade(pi, newer, check) {
  const status = () => JSON.parse(pi.run('holdfast status -o json'));
  pi.run(`echo '# mine' >> /etc/holdfast/agent.toml`);
  const options = '-y -o Dpkg::Options::=--force-confold';
  pi.run(`apt-get install ${options} ${newer}`);
  pi.run('holdfast wait --synced --timeout 1m');
  const { agent, runs } = status();
  const isNewer = agent.version === '9.9.9' && agent.running && runs.completed === 1;
  check('pi: apt upgrades it, and it runs on', isNewer, JSON.stringify(agent));
  check('pi: settings are kept', pi.run('cat /etc/holdfast/agent.toml').includes('# mine'));
  pi.run('apt-get remove -y holdfast');
  const kept = pi.run('ls /var/lib/holdfast');
  check('pi: apt remove keeps the journal', /device\.json/.test(kept), kept);
  pi.run('apt-get purge -y holdfast');
  const left = pi.run('ls -d /var/lib/holdfast /etc/holdfast 2> /dev/null || true');
  check('pi: apt purge deletes it', left === '', left);
}
