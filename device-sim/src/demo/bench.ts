import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SocketClient } from '@holdfast/agent/internal';
import { startChild, type Child } from '../real/child.ts';
import { createTcpProxy, type TcpProxy } from '../real/tcp-proxy.ts';

/** A file of the checkout, from where this package lies in it. */
const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export const DEVICE = 'kiosk-7';

export interface Order {
  readonly id: string;
}

/** Everything the demo runs, each a process of its own, with a wire that can be cut. */
export interface Bench {
  readonly dir: string;
  readonly link: TcpProxy;
  readonly orders: readonly Order[];
  readonly paymentUrl: string;
  /** Where calls to `inventory.update` go. */
  readonly handlerUrl: string;
  gateway: Child;
  agent: Child;
  /** Talks to the agent's socket; works again after the agent was started again. */
  device: SocketClient;
  /** Ends everything. Removes the directory unless it is to be kept. */
  close(keep: boolean): Promise<void>;
}

export interface Addresses {
  readonly http: string;
  readonly mqttPort: number;
  readonly httpPort: number;
}

export function addressesOf(gateway: Child): Addresses {
  const http = String(gateway.ready['http']);
  const port = (url: string): number => Number(new URL(url).port);
  return { http, httpPort: port(http), mqttPort: port(String(gateway.ready['mqtt'])) };
}

export async function setUp(ordersCount: number): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  await mkdir(join(dir, 'kiosk'));
  const services = await startChild({
    name: 'services',
    args: [
      file('examples/dist/checkout/services.js'),
      ...['--payment-port', '0', '--inventory-port', '0'],
      ...['--fail-rate', '0.15', '--delay-ms', '120'],
    ],
  });
  const handlerUrl = String(services.ready['handlerUrl']);
  const paymentUrl = String(services.ready['paymentUrl']);
  // Its twin dies on demand between commit and ack; the one that follows is the plain command.
  const gateway = await startChild({
    name: 'gateway',
    args: [file('device-sim/dist/demo/fragile-gateway.js'), join(dir, 'gateway'), handlerUrl],
  });
  const link = await createTcpProxy({ host: '127.0.0.1', port: addressesOf(gateway).mqttPort });
  const bench: Bench = {
    ...{ dir, link, paymentUrl, handlerUrl, gateway },
    orders: await readOrders(ordersCount),
    agent: await startAgent({ dir, link, paymentUrl }),
    device: new SocketClient(join(dir, 'device', 'agent.sock')),
    async close(keep) {
      await Promise.all([bench.agent, bench.gateway, services].map((each) => each.end('SIGTERM')));
      await link.close();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
  return bench;
}

/** `holdfast run`, as a person types it. */
export function startAgent(bench: Pick<Bench, 'dir' | 'link' | 'paymentUrl'>): Promise<Child> {
  return startChild({
    name: 'agent',
    args: [
      ...[file('agent/bin/holdfast.js'), 'run', '-o', 'json'],
      ...['--data-dir', join(bench.dir, 'device'), '--device', DEVICE],
      ...['--gateway', `mqtt://127.0.0.1:${bench.link.port}`],
      ...['--code', file('examples/dist/checkout/workflow.js')],
    ],
    env: { PAYMENT_URL: bench.paymentUrl, KIOSK_DIR: join(bench.dir, 'kiosk') },
  });
}

/** `holdfast-gateway serve`, as a person types it, on the data and ports of one that died. */
export function startGateway(bench: Bench): Promise<Child> {
  const { mqttPort, httpPort } = addressesOf(bench.gateway);
  return startChild({
    name: 'gateway',
    args: [
      ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'],
      ...['--data-dir', join(bench.dir, 'gateway')],
      ...['--mqtt-port', String(mqttPort), '--http-port', String(httpPort)],
      ...['--handler', `inventory.update=${bench.handlerUrl}`],
    ],
  });
}

async function readOrders(count: number): Promise<Order[]> {
  const text = await readFile(file('examples/checkout/orders.ndjson'), 'utf8');
  const samples = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Order);
  return Array.from({ length: count }, (_, index) => {
    const sample = samples[index % samples.length];
    const round = Math.floor(index / samples.length);
    return { ...sample, id: `${sample?.id ?? 'order'}${round === 0 ? '' : `-${round}`}` };
  });
}
