import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { SocketClient } from '@holdfast/agent/internal';
import { apiOf, askApi, startChild, until, type Child } from '@holdfast/device-sim';
import type { Lane } from '@holdfast/protocol';
import { tempDir } from './temp-dir.ts';

/** From `test/dist/support`. */
const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const DEVICE = 'pump-1';

const REPORT_EVERY_MS = 1_000;
/** Silence after which a device is gone, for the gateway. */
const SILENCE_MS = 4 * REPORT_EVERY_MS;
/** The gateway answers eight that it does not let in within ten seconds. */
const NUDGE_MS = 1_300;

interface EntryLine {
  readonly lane: Lane;
  readonly seq: number;
  readonly kind: string | null;
  readonly name?: string;
  readonly [field: string]: unknown;
}

interface HoleLine {
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly seqLast: number;
  readonly reason: string;
}

interface Life {
  readonly entries: readonly EntryLine[];
  readonly holes: readonly HoleLine[];
}

export interface DeviceDetail {
  readonly state: string;
  readonly epoch: number;
  readonly lastCommand: number;
  readonly lastSeenAt: string | null;
  readonly lanes: readonly { readonly lane: Lane; readonly watermark: number }[];
  readonly refusal: { readonly code: string; readonly why: string } | null;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly cause: string | null;
    readonly oldEpoch: number | null;
    readonly machine: string | null;
    readonly why: string;
  }[];
  readonly keys: readonly {
    readonly key: string;
    readonly acceptedAt: string | null;
    readonly revokedAt: string | null;
  }[];
}

/** A process with a directory, which can be stopped, copied and put back as it was. */
class Place {
  readonly dir: string;
  protected child: Child | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  get lastLines(): readonly string[] {
    return this.child?.lastLines ?? [];
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.child?.end(signal);
    this.child = undefined;
  }

  /** A copy of the directory as it is now, to be used once the process has been stopped. */
  async copyTo(target: string): Promise<void> {
    await cp(this.dir, target, { recursive: true, preserveTimestamps: true });
  }

  /** The copy takes the place of the directory. */
  async putBack(image: string): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
    await cp(image, this.dir, { recursive: true, preserveTimestamps: true });
  }
}

/** A gateway in a process of its own, always at the same port. */
export class LiveGateway extends Place {
  readonly #log: string;
  readonly gates: string;
  #port = 0;

  constructor(root: string) {
    super(join(root, 'gateway'));
    this.#log = join(root, 'answers.log');
    this.gates = join(root, 'gates');
  }

  get mqtt(): string {
    return String(this.child?.ready['mqtt']);
  }

  async start(): Promise<void> {
    await mkdir(this.gates, { recursive: true });
    this.child = await startChild({
      name: 'gateway',
      args: [
        ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'],
        ...['--data-dir', this.dir, '--mqtt-port', String(this.#port), '--http-port', '0'],
        ...['--handlers', file('test/dist/support/lives-handlers.js')],
        // What two devices with one identity wait for is counted in reports.
        ...['--report-every', `${REPORT_EVERY_MS}ms`],
      ],
      env: { LIVES_LOG: this.#log, LIVES_GATES: this.gates },
    });
    this.#port = Number(new URL(this.mqtt).port);
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.#ask(path)).json()) as T;
  }

  post(path: string, body?: unknown): Promise<Response> {
    const json = { 'content-type': 'application/json' };
    return this.#ask(path, {
      method: 'POST',
      ...(body === undefined ? {} : { headers: json, body: JSON.stringify(body) }),
    });
  }

  #ask(path: string, init?: RequestInit): Promise<Response> {
    return askApi(apiOf({ ready: this.child?.ready ?? {} }), `/api/${path}`, init);
  }

  device(): Promise<DeviceDetail> {
    return this.get<DeviceDetail>(`devices/${DEVICE}`);
  }

  /** Resolves once no agent of the device was heard for so long that another one is let in. */
  async silence(): Promise<void> {
    await until('no agent to be heard', async () => {
      const { lastSeenAt } = await this.device();
      return Date.now() - Date.parse(lastSeenAt ?? '') > SILENCE_MS;
    });
  }

  async entries(epoch: number): Promise<readonly EntryLine[]> {
    return (await this.#journal(epoch)).entries;
  }

  /** What of an epoch will never come. */
  async holes(epoch: number): Promise<readonly HoleLine[]> {
    return (await this.#journal(epoch)).holes;
  }

  #journal(epoch: number): Promise<Life> {
    return this.get(`devices/${DEVICE}/entries?epoch=${epoch}&limit=1000`);
  }

  /** Names of the events of an epoch, in the order of their lanes. */
  async events(epoch: number): Promise<readonly string[]> {
    const entries = await this.entries(epoch);
    return entries.flatMap(({ kind, name }) => (kind === 'event.emitted' ? [name ?? ''] : []));
  }

  /** Faults in words. */
  async verify(): Promise<readonly string[]> {
    const answer = await this.post('ledger/verify');
    const { faults } = (await answer.json()) as { readonly faults: readonly { why: string }[] };
    return faults.map(({ why }) => why);
  }

  /** Lets the handler answer this question. */
  async open(question: string): Promise<void> {
    await writeFile(join(this.gates, question), '');
  }

  /** Questions that were answered, with the keys of their calls. */
  async answers(): Promise<readonly string[]> {
    return linesOf(this.#log);
  }
}

/** An agent in a process of its own. */
export class LiveDevice extends Place {
  readonly client: SocketClient;
  readonly #log: string;
  readonly #gateway: LiveGateway;
  readonly #machine: string;

  constructor(dir: string, options: { readonly gateway: LiveGateway; readonly machine?: string }) {
    super(dir);
    this.#log = `${dir}.log`;
    this.#gateway = options.gateway;
    this.#machine = options.machine ?? 'board-1';
    this.client = new SocketClient(join(dir, 'agent.sock'));
  }

  async start(...more: readonly string[]): Promise<void> {
    this.child = await startChild({
      name: 'agent',
      args: [
        ...[file('agent/bin/holdfast.js'), 'run', '-o', 'json', '--device', DEVICE],
        ...['--data-dir', this.dir, '--gateway', this.#gateway.mqtt],
        ...['--code', file('test/dist/support/lives-flows.js'), '--machine', this.#machine],
        ...more,
      ],
      env: { LIVES_LOG: this.#log },
    });
  }

  emit(...names: readonly string[]): Promise<unknown> {
    return Promise.all(
      names.map((name) => this.client.emit({ name, payload: null, lane: 'normal' })),
    );
  }

  begin(workflow: string, input: unknown, id: string): Promise<unknown> {
    return this.client.start({ workflow, input, id });
  }

  /** The output of a run, once it has one. */
  output(id: string): Promise<unknown> {
    return until(`the end of ${id}`, async () => {
      const { state, output } = await this.client.run(id);
      return state === 'completed' && { output };
    }).then(({ output }) => output);
  }

  state(id: string, wanted: string): Promise<unknown> {
    return until(`${id} to be ${wanted}`, async () => (await this.client.run(id)).state === wanted);
  }

  /** Resolves once the ledger has everything of this epoch. */
  async synced(epoch: number): Promise<void> {
    await until(`epoch ${epoch} to be in the ledger`, async () => {
      // Between two lives nobody answers.
      const status = await this.client.status().catch(() => undefined);
      return status?.epoch === epoch && status.link.state === 'synced';
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.lastLines.join('\n')}`);
    });
  }

  /** Asks the gateway again and again, until it lets this agent in and has all of it. */
  async letIn(): Promise<void> {
    let nudgedAtMs = 0;
    await until(
      `${this.dir} to be let in`,
      async () => {
        // Between two lives nobody answers.
        const status = await this.client.status().catch(() => undefined);
        if (status?.link.state === 'synced') return true;
        if (Date.now() - nudgedAtMs < NUDGE_MS) return false;
        nudgedAtMs = Date.now();
        await this.client.nudge().catch(() => undefined);
        return false;
      },
      60_000,
    );
  }

  /** Codes of what `status` shows as needing a person. */
  async problems(): Promise<readonly string[]> {
    return (await this.client.status()).problems.map(({ code }) => code);
  }

  /** Bodies of steps that ran, with their keys. */
  ran(): Promise<readonly string[]> {
    return linesOf(this.#log);
  }
}

async function linesOf(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

export interface World {
  readonly root: string;
  readonly gateway: LiveGateway;
  /** A device on a board of its own, or on that of another. Stopped when the test ends. */
  readonly device: (name: string, machine?: string) => LiveDevice;
}

/** A gateway that runs, and devices that are to be started. */
export async function openWorld(t: ExecutionContext): Promise<World> {
  const root = await tempDir(t);
  const gateway = new LiveGateway(root);
  t.teardown(() => gateway.stop('SIGKILL'));
  await gateway.start();
  const device = (name: string, machine = name): LiveDevice => {
    const made = new LiveDevice(join(root, name), { gateway, machine });
    t.teardown(() => made.stop('SIGKILL'));
    return made;
  };
  return { root, gateway, device };
}
