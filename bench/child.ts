import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { apiOf, type GatewayApi } from '@holdfast/device-sim';
import { HoldfastError } from '@holdfast/protocol';

/** A file of the checkout, from `bench/dist`. */
export const checkoutFile = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** A process of ours, compiled from `bench/processes`. */
export const processFile = (name: string): string =>
  checkoutFile(`bench/dist/processes/${name}.js`);

export type Line = Readonly<Record<string, unknown>>;

/** A process that says what it has to say in lines of JSON. */
export interface Child {
  readonly pid: number;
  /** The next line. @throws HF_PROCESS_FAILED, with its last words, when it ends instead. */
  line(): Promise<Line>;
  /** Resolves once it has ended by itself. */
  readonly ended: Promise<void>;
  /** Sends a signal and resolves once the process has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const DEADLINE_MS = 30 * 60_000;

/** Children that live: the process takes them with it, however it ends. */
const alive = new Set<ChildProcess>();
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Ends what a benchmark that failed has left behind. */
export function endAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

/** Starts Node on a file with its arguments. After half an hour it is ended. */
export function startChild(file: string, ...args: readonly string[]): Child {
  return startProgram(nodeCommand(file, ...args));
}

/** The command of `startChild`, for others to begin. */
export const nodeCommand = (file: string, ...args: readonly string[]): readonly string[] => [
  ...[process.execPath, ...process.execArgv, file, ...args],
];

/** The same for any program. */
export function startProgram(
  [program = '', ...args]: readonly string[],
  more: { readonly env?: Readonly<Record<string, string>> } = {},
): Child {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...more.env },
  });
  alive.add(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    lastWords = (lastWords + chunk).slice(-2_000);
  });
  const ended = once(child, 'close').then(() => {
    clearTimeout(timer);
    alive.delete(child);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    ended,
    async line() {
      const next = await lines.next();
      if (next.done !== true) return JSON.parse(next.value) as Line;
      await ended;
      const why = `${[program, ...args].join(' ')}: ${lastWords.trim()}`;
      throw new HoldfastError('HF_PROCESS_FAILED', { why });
    },
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** Reads what a process says until it says this; what comes before tells how far it is. */
export async function untilSaid(child: Child, name: string): Promise<Line> {
  for (;;) {
    const line = await child.line();
    if (name in line) return line;
    process.stderr.write(`  ${JSON.stringify(line)}\n`);
  }
}

/** `holdfast-gateway serve` on ports that the system chooses; resolves once it serves. */
export async function startGateway(
  dataDir: string,
  ...more: readonly string[]
): Promise<Child & { readonly mqtt: string; readonly api: GatewayApi }> {
  const args = ['serve', '-o', 'json', '--mqtt-port', '0', '--http-port', '0'];
  const child = startChild(
    checkoutFile('gateway/bin/holdfast-gateway.js'),
    ...[...args, '--data-dir', dataDir, ...more],
  );
  const ready = await child.line();
  return { ...child, mqtt: String(ready['mqtt']), api: apiOf({ ready }) };
}
