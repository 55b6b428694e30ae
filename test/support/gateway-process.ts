import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { gatewayOutputs } from '@holdfast/gateway/internal';
import { checkOutput } from './output-schemas.ts';
import { PATIENCE_MS } from './patience.ts';

/** From `test/dist/support`. */
export const gatewayBinary = fileURLToPath(
  new URL('../../../gateway/bin/holdfast-gateway.js', import.meta.url),
);

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Ended extends Output {
  readonly code: number | null;
}

/** What `serve -o json` prints, and the process that printed it. */
export interface Serving {
  readonly schema: string;
  readonly mqtt: string;
  readonly http: string;
  readonly pid: number;
  /** File with the token of an admin for its HTTP API. */
  readonly tokenFile: string;
  readonly output: () => Output;
  /** Sends a signal and resolves with the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>;
}

interface Launched {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: () => Output;
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
  /** From now on it may run for as long as it likes. */
  readonly letRun: () => void;
}

interface LaunchOptions {
  readonly stdin?: string;
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function launch(
  args: readonly string[],
  { stdin = '', node = [], env = {} }: LaunchOptions = {},
): Launched {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [...node, gatewayBinary, ...args], {
    env: { PATH, ...env },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => undefined).end(stdin);
  const ended = once(child, 'close').then((result) => {
    clearTimeout(timer);
    return result as [number | null, NodeJS.Signals | null];
  });
  const letRun = (): void => clearTimeout(timer);
  return { child, output: () => ({ stdout, stderr }), ended, letRun };
}

/** Runs `holdfast-gateway` to its end, without any of our environment. */
export function runGateway(...args: readonly string[]): Promise<Ended> {
  return runGatewayWith('', ...args);
}

/** The same, with something on its stdin. */
export function runGatewayWith(stdin: string, ...args: readonly string[]): Promise<Ended> {
  return runGatewayIn({ stdin }, ...args);
}

/** The same, with what it finds around it. */
export async function runGatewayIn(
  around: Pick<LaunchOptions, 'stdin' | 'env'>,
  ...args: readonly string[]
): Promise<Ended> {
  const { output, ended } = launch(args, around);
  const [code] = await ended;
  checkOutput(gatewayOutputs, output().stdout);
  return { code, ...output() };
}

/** Starts `holdfast-gateway serve` for a test; what still runs when it ends is killed. */
export function serveGateway(
  t: ExecutionContext,
  dataDir: string,
  ...args: readonly string[]
): Promise<Serving> {
  return serveGatewayAs(t, [], dataDir, ...args);
}

/** The same, with something for Node before the program. */
export async function serveGatewayAs(
  t: ExecutionContext,
  node: readonly string[],
  dataDir: string,
  ...args: readonly string[]
): Promise<Serving> {
  const mqtt = args.includes('--broker') ? [] : ['--mqtt-port', '0'];
  const fixed = ['serve', '--data-dir', dataDir, ...mqtt, '--http-port', '0', '-o', 'json'];
  const { child, output, ended, letRun } = launch([...fixed, ...args], { node });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  while (!output().stdout.includes('\n')) {
    const over = await Promise.race([ended, once(child.stdout, 'data').then(() => undefined)]);
    if (over !== undefined) throw new Error(`it did not start: ${output().stderr}`);
  }
  letRun();
  checkOutput(gatewayOutputs, output().stdout);
  const listening = JSON.parse(output().stdout) as Omit<Serving, 'output' | 'end'>;
  return {
    ...listening,
    output,
    end: async (signal) => {
      child.kill(signal);
      const [code, by] = await ended;
      return code ?? by;
    },
  };
}
