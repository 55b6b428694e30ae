import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { Agent, workflow, type AgentOptions } from '@holdfast/agent';
import { createTcpProxy, until, type TcpProxy } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import { openBrowser, press } from '../browser.ts';
import { tempDir } from '../temp-dir.ts';

/** Takes what closes what was opened. */
export type Closing = Pick<ExecutionContext, 'teardown'>;

/** A gateway, a device behind a link that can be cut, and a browser. */
export interface Shop {
  readonly gateway: Gateway;
  /** With which the gateway starts again where it was. */
  readonly options: GatewayOptions;
  readonly agent: Agent;
  readonly link: TcpProxy;
  readonly browser: Browser;
  readonly closing: Closing;
}

export const sale = workflow('sale', async (ctx, order: { readonly item: string }) => {
  const ticket = await ctx.step('print-ticket', () => `ticket of ${order.item}`);
  await ctx.setStatus('Your order will be confirmed shortly.');
  const stock = await ctx.call('inventory.update', order);
  return { ticket, stock };
});

/** What goes wrong on the device, until somebody mends it. */
export const faults = { isBroken: true, isRelabelled: false };

export const broken = workflow('broken', (ctx) =>
  ctx.step(
    'verify',
    () => {
      if (faults.isBroken) throw new Error('<b>no</b> signature');
      return 'a signature';
    },
    { retry: { attempts: 1 } },
  ),
);

/** Its code parts from its history while a label is another one. */
const delivery = workflow('delivery', async (ctx) => {
  const van = await ctx.step(faults.isRelabelled ? 'load-truck' : 'load-van', () => 'loaded');
  return { van, signed: await ctx.waitFor('signed') };
});

/** Brings what no entry has room for. */
export const large = workflow('large', (ctx) =>
  ctx.step('take-picture', () => '<img src=x onerror=alert(3)>'.repeat(40_000)),
);

/** As many as are told at once. */
const pickup = workflow('pickup', async (ctx) => {
  await ctx.step(faults.isRelabelled ? 'print-slip' : 'print-label', () => 'printed');
  return ctx.waitFor('fetched');
});

const workflows = [sale, broken, delivery, pickup, large];

/** The device has runs that are stuck: they were started with code that is another one now. */
async function openAgent(t: Closing, port: number): Promise<Agent> {
  const options: AgentOptions = {
    ...{ dataDir: await tempDir(t), device: 'till-1', workflows },
    gateway: `mqtt://127.0.0.1:${port}`,
    uplink: { retryMsMax: 1_000 },
  };
  Object.assign(faults, { isBroken: true, isRelabelled: false });
  const before = await Agent.open(options);
  const runs = [
    await before.start(delivery, undefined, { id: 'D-1' }),
    await before.start(pickup, undefined, { id: 'P-1' }),
    await before.start(pickup, undefined, { id: 'P-2' }),
  ];
  const waits = async () => {
    const states = await Promise.all(runs.map((each) => each.status()));
    return states.every(({ state }) => state === 'waiting-signal');
  };
  await until('the deliveries to wait for their signals', waits);
  await before.close();
  faults.isRelabelled = true;
  const agent = await Agent.open(options);
  t.teardown(() => agent.close());
  return agent;
}

export async function openShop(t: Closing): Promise<Shop> {
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  const options: GatewayOptions = {
    ...{ dataDir: join(await tempDir(t), 'cloud'), mqttPort: 0, httpPort: 0, reportEvery: '1s' },
    webhookAllowPrivate: true,
    handlers: { 'inventory.update': () => ({ left: 41 }) },
  };
  const gateway = await Gateway.open(options);
  t.teardown(() => gateway.close());
  const portOf = (url: string) => Number(new URL(url).port);
  const [mqttPort, httpPort] = [portOf(gateway.mqttUrl), portOf(gateway.httpUrl)];
  const link = await createTcpProxy({ host: '127.0.0.1', port: mqttPort });
  t.teardown(() => link.close());
  const agent = await openAgent(t, link.port);
  return { gateway, options: { ...options, mqttPort, httpPort }, agent, link, browser, closing: t };
}

const password = 'correct horse battery';

export async function addUser({ tokenFile, httpUrl }: Gateway): Promise<void> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const response = await fetch(`${httpUrl}/api/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ola', role: 'admin', password }),
  });
  if (!response.ok) throw new Error(await response.text());
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User').fill('ola');
  await page.getByLabel('Password').fill(password);
  await press(page, 'Sign in');
}
