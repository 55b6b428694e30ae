import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { until } from '@holdfast/device-sim';
import { tempDir } from './temp-dir.ts';

/** A broker as a process of its own, on a port of 127.0.0.1 that it keeps over restarts. */
export interface TestBroker {
  readonly port: number;
  readonly url: string;
  /** Resolves once it takes connections. */
  start(): Promise<void>;
  /** SIGKILL: what it held in memory is gone. */
  kill(): Promise<void>;
}

interface BrokerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly port: number;
}

class BrokerProcess implements TestBroker {
  readonly #program: BrokerProgram;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(program: BrokerProgram) {
    this.#program = program;
  }

  get port(): number {
    return this.#program.port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const { file, args } = this.#program;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const note = (chunk: Buffer): void => {
      this.#said = (this.#said + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    const look = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${file} ended: ${this.#said}`);
      return answers(this.port);
    };
    await until(`${file} to listen`, look);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Mosquitto with lines of its own configuration. Without any: no TLS, and everybody may all. */
export async function startMosquitto(
  t: ExecutionContext,
  lines: readonly string[] = ['allow_anonymous true'],
): Promise<TestBroker> {
  const dir = await tempDir(t);
  const port = await freePort();
  const config = join(dir, 'mosquitto.conf');
  // It would otherwise leave root's rights behind, and its directory with them.
  const own = process.getuid?.() === 0 ? ['user root'] : [];
  const text = [...own, `listener ${port} 127.0.0.1`, 'set_tcp_nodelay true', ...lines];
  await writeFile(config, `${text.join('\n')}\n`);
  return started(t, { file: 'mosquitto', args: ['-c', config], port });
}

/** NATS with its MQTT side, which needs JetStream and a name. */
export async function startNats(t: ExecutionContext): Promise<TestBroker> {
  const dir = await tempDir(t);
  const port = await freePort();
  const config = join(dir, 'nats.conf');
  await mkdir(join(dir, 'streams'));
  const text = `
    server_name: test
    listen: "127.0.0.1:-1"
    jetstream { store_dir: "${join(dir, 'streams')}" }
    mqtt { listen: "127.0.0.1:${port}" }
  `;
  await writeFile(config, text);
  return started(t, { file: 'nats-server', args: ['-c', config], port });
}

async function started(t: ExecutionContext, program: BrokerProgram): Promise<TestBroker> {
  const broker = new BrokerProcess(program);
  t.teardown(() => broker.kill());
  await broker.start();
  return broker;
}

/** A port that nothing has had: the system gives each out once before it repeats itself. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const end = (isThere: boolean) => (): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
