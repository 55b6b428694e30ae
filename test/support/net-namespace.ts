import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { execPath } from 'node:process';
import type { ExecutionContext } from 'ava';

/** Whether this machine lets a test make networks of its own. */
export function hasNamespaces(): boolean {
  const name = nameOf();
  if (process.getuid?.() !== 0 || !ran('ip', 'netns', 'add', name)) return false;
  return ran('ip', 'netns', 'del', name);
}

/** …and whether these can delay, lose and reorder packets. */
export function hasNetem(): boolean {
  const name = nameOf();
  if (!hasNamespaces() || !ran('ip', 'netns', 'add', name)) return false;
  const has = ran('ip', 'netns', 'exec', name, 'tc', ...netemOn('lo', ['delay', '1ms']));
  ran('ip', 'netns', 'del', name);
  return has;
}

function netemOn(device: string, rules: readonly string[]): readonly string[] {
  return ['qdisc', 'add', 'dev', device, 'root', 'netem', ...rules];
}

function nameOf(): string {
  return `hf-${process.pid}-${randomInt(1_000_000)}`;
}

function ran(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function must(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** A machine of its own, as far as the network is concerned, on a cable to this one. */
export class NetNamespace {
  readonly #name = nameOf();
  readonly #cable = `hf${randomInt(1e9)}`;
  readonly #net = `10.213.${randomInt(256)}`;
  readonly #children: ChildProcess[] = [];

  static open(t: ExecutionContext): NetNamespace {
    const own = new NetNamespace();
    t.teardown(() => own.#close());
    const [name, cable] = [own.#name, own.#cable];
    must('ip', 'netns', 'add', name);
    must('ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    must('ip', 'addr', 'add', `${own.hostAddress}/24`, 'dev', cable);
    must('ip', 'link', 'set', cable, 'up');
    own.setAddress(2);
    own.#inside('ip', 'link', 'set', 'eth0', 'up');
    return own;
  }

  /** Of this machine, on the cable. */
  get hostAddress(): string {
    return `${this.#net}.1`;
  }

  /** Gives it another address; connections of the one before are dead, and nobody is told. */
  setAddress(host: number): void {
    this.#inside('ip', 'addr', 'flush', 'dev', 'eth0');
    this.#inside('ip', 'addr', 'add', `${this.#net}.${host}/24`, 'dev', 'eth0');
  }

  /** Pulls the cable out at this end, or puts it in. */
  setCable(state: 'up' | 'down'): void {
    must('ip', 'link', 'set', this.#cable, state);
  }

  /** What goes to one of its addresses is lost; what comes from it is not. */
  setDeaf(host: number, isDeaf: boolean): void {
    const route = ['blackhole', `${this.#net}.${host}/32`];
    must('ip', 'route', isDeaf ? 'add' : 'del', ...route);
  }

  /** What comes from it is held back to this rate, in a queue of 3 s. */
  setRate(kbit: number): void {
    const bucket = ['rate', `${kbit}kbit`, 'burst', '4kb', 'latency', '3s'];
    this.#inside('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', ...bucket);
  }

  /** As `tc netem` says it: `['delay', '300ms', 'loss', '3%']`. */
  setNetem(rules: readonly string[]): void {
    this.#inside('tc', ...netemOn('eth0', rules));
  }

  /** Runs a program of Node in it. */
  start(file: string, args: readonly string[]): ChildProcess {
    const command = ['netns', 'exec', this.#name, execPath, file, ...args];
    const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.push(child);
    return child;
  }

  #inside(...command: readonly string[]): void {
    must('ip', 'netns', 'exec', this.#name, ...command);
  }

  async #close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    // The cable goes with it.
    ran('ip', 'netns', 'del', this.#name);
  }
}
