import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From `test/dist/support/documents`. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));

const READY_MS = 60_000;

const PASSWORD = 'correct horse battery staple\n';

/** What the commands of the guides speak of: workflows, handlers, and files with secrets. */
const files: Readonly<Record<string, string>> = {
  'flows.js': `import { workflow } from '@holdfast/agent';
const waiting = (name) => workflow(name, async (ctx, input) => {
  await ctx.step('look', () => input ?? null);
  return ctx.waitFor('picked-up');
});
export const checkout = waiting('checkout');
export const inspect = waiting('inspect');
export const door = waiting('door-opened');
export const order = waiting('order');
`,
  'handlers.mjs': `export const handlers = { 'inventory.update': () => ({ left: 1 }) };\n`,
  'passphrase.txt': PASSWORD,
  'etc/ha.password': 'open sesame\n',
};

/** A folder in which what the guides speak of is there. */
export function layOut(dir: string): void {
  for (const inner of ['bin', 'etc', 'backup', 'gateway', 'node_exporter']) {
    mkdirSync(join(dir, inner));
  }
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  symlinkSync(join(dir, 'gateway'), join(dir, 'cloud'));
  for (const [name, path] of Object.entries({
    holdfast: 'agent/bin/holdfast.js',
    'holdfast-gateway': 'gateway/bin/holdfast-gateway.js',
    'holdfast-sim': 'device-sim/bin/holdfast-sim.js',
  })) {
    symlinkSync(join(root, path), join(dir, 'bin', name));
  }
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const own = ['-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'cert.pem'];
  spawnSync('openssl', ['req', '-x509', ...pair, ...own], { cwd: dir });
}

/** What a command came to. */
export interface Outcome {
  readonly code: number | null;
  readonly said: string;
}

/** A shell in a folder: what runs in the foreground, and what goes on behind it. */
export class Place {
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #behind: ChildProcess[] = [];

  /** @param dir Of the reader, and where the programs are. */
  constructor(dir: string, isAtRoot = false) {
    const { PATH = '' } = process.env;
    this.#cwd = isAtRoot ? root : dir;
    this.#env = { PATH: `${join(dir, 'bin')}:${PATH}`, HOME: dir, LANG: 'C.UTF-8' };
  }

  /** What an `export` does. */
  set(name: string, value: string): void {
    this.#env[name] = value.replace(/^~/, this.#env['HOME'] ?? '');
  }

  async run(command: string, timeoutMs: number): Promise<Outcome> {
    const child = this.#start(command);
    const timer = setTimeout(() => end(child), timeoutMs);
    const said = saidBy(child);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(timer);
    return { code, said: said() };
  }

  /** Leaves it running; its code is 0 once it is ready. */
  async begin(command: string): Promise<Outcome> {
    const child = this.#start(command);
    this.#behind.push(child);
    const said = saidBy(child);
    const ended = once(child, 'close');
    const isOurs = !command.includes('node examples/');
    const began = performance.now();
    for (;;) {
      const over = await Promise.race([ended.then(([code]) => code as number | null), pause(50)]);
      if (over !== undefined) return { code: over ?? 1, said: said() };
      const isUp = (isOurs ? /\bready\b|^Waiting/m : /http:\/\//).test(said());
      if (isUp) return { code: 0, said: said() };
      if (performance.now() - began > READY_MS) return { code: 1, said: said() };
    }
  }

  /** Ends what goes on. */
  async close(): Promise<void> {
    for (const child of this.#behind.splice(0).toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'close');
      end(child);
      await closed;
    }
  }

  #start(command: string): ChildProcess {
    const args = ['--norc', '-o', 'pipefail', '-c', command];
    const child = spawn('bash', args, {
      ...{ cwd: this.#cwd, env: this.#env, detached: true, stdio: 'pipe' },
    });
    // What a person is asked for.
    child.stdin.on('error', () => undefined).end(PASSWORD);
    return child;
  }
}

function saidBy(child: ChildProcess): () => string {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
  }
  return () => said;
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
}

/** With all that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
