import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { SocketClient } from '@holdfast/agent/internal';
import { startChild, until, type Child } from '@holdfast/device-sim';
import type { RunDetailView, RunState } from '@holdfast/agent';
import { PATIENCE_MS } from './patience.ts';

/** From `test/dist/support`. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const file = (path: string): string => join(root, path);

export const DEVICE = 'bench-1';

export interface ExampleOptions {
  /** Folder of the example. */
  readonly example: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly gateway?: string;
  /** A program of the example that has an agent inside; default: `holdfast run`. */
  readonly program?: string;
}

/** A device that runs an example as a person would, in a process that can be killed. */
export class ExampleDevice {
  readonly dir: string;
  readonly client: SocketClient;
  readonly #options: ExampleOptions;
  #agent: Child | undefined;

  static async open(t: ExecutionContext, options: ExampleOptions): Promise<ExampleDevice> {
    const dir = await mkdtemp(join(tmpdir(), 'hf-example-'));
    const device = new ExampleDevice(dir, options);
    t.teardown(async () => {
      await device.kill();
      await rm(dir, { recursive: true, force: true });
    });
    await device.start();
    return device;
  }

  constructor(dir: string, options: ExampleOptions) {
    this.dir = dir;
    this.#options = options;
    this.client = new SocketClient(join(this.dataDir, 'agent.sock'));
  }

  get dataDir(): string {
    return join(this.dir, 'device');
  }

  /** What the agent's process has said. */
  get lastLines(): readonly string[] {
    return this.#agent?.lastLines ?? [];
  }

  /** The line of JSON that it printed when it was ready. */
  get ready(): Readonly<Record<string, unknown>> {
    return this.#agent?.ready ?? {};
  }

  async start(): Promise<void> {
    const { example, env = {}, gateway, program } = this.#options;
    const place = ['--data-dir', this.dataDir, '--device', DEVICE];
    const args =
      program === undefined
        ? [
            ...[file('agent/bin/holdfast.js'), 'run', '-o', 'json', ...place],
            ...['--code', file(`examples/dist/${example}/workflow.js`)],
            ...(gateway === undefined ? [] : ['--gateway', gateway]),
          ]
        : [file(`examples/dist/${example}/${program}`), ...place, '--port', '0'];
    this.#agent = await startChild({ name: example, args, env });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#agent?.end('SIGKILL');
    this.#agent = undefined;
  }

  async killAndStart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  begin(workflow: string, input: unknown, id: string): Promise<unknown> {
    return this.client.start({ workflow, input, id });
  }

  /** Resolves with the run once it looks so. */
  async once(
    id: string,
    looks: (run: RunDetailView) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<RunDetailView> {
    let last: RunDetailView | undefined;
    try {
      return await until(`run ${id}`, async () => {
        last = await this.client.run(id);
        return looks(last) && last;
      }, timeoutMs);
    } catch (error) {
      const lines = [...this.lastLines].join('\n');
      throw new Error(`${JSON.stringify(last, undefined, 1)}\n${lines}`, { cause: error });
    }
  }

  ended(id: string, state: RunState, timeoutMs?: number): Promise<RunDetailView> {
    const ends: ReadonlySet<RunState> = new Set(['completed', 'failed', 'cancelled']);
    return this.once(id, (run) => run.state === state || ends.has(run.state), timeoutMs);
  }
}

/** Names of what a history has of one kind. */
export function namesOf(run: RunDetailView, kind: string): (string | null)[] {
  return run.history.filter((row) => row.kind === kind).map((row) => row.name);
}

export async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

export async function postJson(
  url: string,
  body: unknown,
  key?: string,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: key === undefined ? {} : { 'idempotency-key': key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
