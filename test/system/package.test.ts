import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { startHoldfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const packaging = new URL('../../../packaging/', import.meta.url);
const unit = fileURLToPath(new URL('device/holdfast.service', packaging));

const { makeDeb } = (await import(new URL('deb.mjs', packaging).href)) as {
  readonly makeDeb: (architecture: string, outDir: string) => Promise<string>;
};

const onDebian = hasProgram('dpkg-deb') ? test : test.skip;
const withSystemd = hasProgram('systemd-analyze') ? test : test.skip;
const withNotify = hasProgram('systemd-notify') && hasProgram('python3') ? test : test.skip;

onDebian('needs dpkg-deb: the package of the device is small and runs where it lies', async (t) => {
  const dir = await tempDir(t);
  const deb = await makeDeb(process.arch === 'x64' ? 'amd64' : process.arch, dir);
  const tree = join(dir, 'tree');
  execFileSync('dpkg-deb', ['--extract', deb, tree]);
  // Outside of a root of its own, what workflows import lies elsewhere.
  const own = join(tree, 'etc/holdfast/flows/node_modules/@holdfast/agent');
  await unlink(own);
  await symlink(join(tree, 'usr/lib/holdfast'), own);
  const program = join(tree, 'usr/bin/holdfast');
  const data = join(dir, 'data');
  const flows = join(tree, 'etc/holdfast/flows/flows.js');
  const args = ['--data-dir', data, '--device', 'd', '--code', flows];
  const page = ['--page-port', '0', '--log-format', 'json'];
  const agent = spawn(program, ['run', ...args, ...page], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => agent.kill('SIGKILL'));
  const logged = textOf(agent.stderr);
  await once(agent.stdout, 'data');

  execFileSync(program, ['start', 'hello', '--input', '"Pi"', '--id', 'a', '--data-dir', data]);
  const wait = ['wait', '--run', 'a', '--timeout', '60s', '--data-dir', data];
  const said = execFileSync(program, wait, { encoding: 'utf8' });

  t.regex(said, /Hello, Pi!/);
  const { url } = JSON.parse(/\{.*"url".*\}/.exec(logged())?.[0] ?? '{}') as { url: string };
  t.regex(await (await fetch(`${url}/main.js`)).text(), /ahead of the gateway/);
  t.true((await stat(deb)).size < 2 ** 20);
  // Loaded by the first connection, which may come after the next version has been unpacked.
  const client = await readFile(join(tree, 'usr/lib/holdfast/dist/mqtt.js'), 'utf8');
  t.notRegex(client, /from ?["']\.|import\(?["']\./);
  const ended = once(agent, 'close');
  agent.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);

  await unlink(join(tree, 'usr/lib/holdfast/classic-level.node'));
  const asked = ['doctor', 'store', '--data-dir', data];
  const { status, stdout } = spawnSync(program, asked, { encoding: 'utf8' });
  t.is(status, 8);
  t.regex(stdout, /✗ The native part of the store cannot be loaded.*\(HF_STORE_NATIVE\)/s);
  t.regex(stdout, /hint: .*apt reinstall holdfast/s);
});

/** Gives what has come so far. */
function textOf(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return () => text;
}

withSystemd('needs systemd-analyze: the unit is hardened to an exposure of at most 2.5', (t) => {
  const args = ['security', '--offline=true', '--threshold=25', '--no-pager', unit];

  t.notThrows(() => execFileSync('systemd-analyze', args, { stdio: 'pipe' }));
});

/** Prints each datagram that comes to the socket in the first argument. */
const listener = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for line in data.decode().split('\\n'):
        print(line, flush=True)
    for fd in fds: os.close(fd)
`;

withNotify(
  'needs systemd-notify, python3: systemd hears of the start, of life, of the end',
  async (t) => {
    const dir = await tempDir(t);
    const socket = join(dir, 'notify');
    const python = spawn('python3', ['-c', listener, socket]);
    t.teardown(() => python.kill('SIGKILL'));
    const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
    const until = async (wanted: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`nobody said ${wanted}`);
        if (wanted.test(value)) return value;
      }
    };
    await until(/listening/);
    const data = join(dir, 'data');
    const code = fileURLToPath(new URL('../support/recorded-flow.js', import.meta.url));
    const agent = startHoldfast(t, ['run', '--data-dir', data, '--device', 'd', '--code', code], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' },
    });

    await until(/^READY=1$/);
    t.is(await until(/^STATUS=/), 'STATUS=none, 0 pending, 0 stuck');
    await until(/^WATCHDOG=1$/);
    await until(/^WATCHDOG=1$/);
    const ended = agent.end('SIGTERM');
    await until(/^STOPPING=1$/);
    t.is(await ended, 0);
  },
);
