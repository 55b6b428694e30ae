import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/** From `test/dist/support`. */
const bin = fileURLToPath(new URL('../../../agent/bin/holdfast.js', import.meta.url));

const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'];
const library = libraries
  .map((dir) => join(dir, 'faketime', 'libfaketimeMT.so.1'))
  .find((path) => existsSync(path));

/** Whether the wall clock of a process can be faked here. */
export const canFakeClock = library !== undefined;
/** Whether a process can be shown another uptime and boot: in a mount namespace of its own. */
export const canFakeMachine = canFakeClock && process.getuid?.() === 0;

/** Shows what is in the two files, if they are there, as the kernel's own. */
const SHOW = `
  [ ! -e "$1/uptime" ] || mount --bind "$1/uptime" /proc/uptime || exit 71
  [ ! -e "$1/boot" ] || mount --bind "$1/boot" /proc/sys/kernel/random/boot_id || exit 71
  shift; exec "$@"`;

/** A machine with one agent on it, whose clocks are those that the test wants it to have. */
export class FakedMachine {
  readonly #dir: string;
  #child: ChildProcess | undefined;
  #suspendedS = 0;

  constructor(t: ExecutionContext, dir: string) {
    this.#dir = dir;
    this.setWall(0);
    t.teardown(() => this.end('SIGKILL'));
  }

  /** Sets the wall clock, so far ahead of the true time; also while the agent runs. */
  setWall(aheadMs: number): void {
    writeFileSync(
      join(this.#dir, 'wall'),
      `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1_000}`,
    );
  }

  /** The kernel says that the machine was suspended for so long; its monotonic clock was not. */
  suspend(ms: number): void {
    this.#suspendedS += ms / 1_000;
    writeFileSync(join(this.#dir, 'uptime'), `${this.#uptimeS().toFixed(2)} 1.00\n`);
  }

  /** The next start is in another boot. */
  reboot(name: string): void {
    writeFileSync(join(this.#dir, 'boot'), `${name}\n`);
  }

  /** Starts the agent; resolves once it is ready. */
  async start(...args: readonly string[]): Promise<void> {
    const env = {
      ...process.env,
      ...{ LD_PRELOAD: library ?? '', FAKETIME_TIMESTAMP_FILE: join(this.#dir, 'wall') },
      ...{ FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    };
    const agent = [process.execPath, bin, 'run', '-o', 'json', ...args];
    const shown = ['sh', '-c', SHOW, 'sh', this.#dir, ...agent];
    const isShown = ['uptime', 'boot'].some((name) => existsSync(join(this.#dir, name)));
    const [command = '', ...rest] = isShown ? ['unshare', ...this.#apart(), ...shown] : agent;
    const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { done } = await lines.next();
    if (done === true) throw new Error(`the agent did not start: ${said}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  /** Namespaces of its own; in another boot the clocks of the kernel begin anew. */
  #apart(): readonly string[] {
    if (!existsSync(join(this.#dir, 'boot'))) return ['-m'];
    // To the second: a boot seems to have begun up to that much before its agent did.
    const shiftS = String(-Math.floor(this.#uptimeS()));
    return ['-m', '--fork', '--kill-child', '-T', '--monotonic', shiftS, '--boottime', shiftS];
  }

  #uptimeS(): number {
    return Number(process.hrtime.bigint()) / 1e9 + this.#suspendedS;
  }
}
