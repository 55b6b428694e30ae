import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { Agent, workflow } from '@holdfast/agent';
import { createTcpProxy, type TcpProxy } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { serveDevicePage } from '@holdfast/agent/internal';
import { checkPage, openBrowser, openPage, press } from '../support/browser.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const withChromium = hasProgram('chromium') ? test.serial : test.serial.skip;

const sale = workflow('sale', async (ctx, order: { readonly item: string }) => {
  const ticket = await ctx.step('print-ticket', () => `ticket of ${order.item}`);
  await ctx.setStatus('Your order will be confirmed shortly.');
  const stock = await ctx.call('inventory.update', order);
  return { ticket, stock };
});

let isMended = false;

const broken = workflow('broken', (ctx) =>
  ctx.step(
    'verify',
    () => {
      if (!isMended) throw new Error('<b>no</b> signature');
      return 'a signature';
    },
    { retry: { attempts: 1 } },
  ),
);

interface Shop {
  readonly gateway: Gateway;
  readonly agent: Agent;
  readonly link: TcpProxy;
  readonly browser: Browser;
}

async function openShop(t: ExecutionContext): Promise<Shop> {
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  const dir = await tempDir(t);
  const gateway = await Gateway.open({
    ...{ dataDir: join(dir, 'cloud'), mqttPort: 0, httpPort: 0, reportEvery: '1s' },
    handlers: { 'inventory.update': () => ({ left: 41 }) },
  });
  t.teardown(() => gateway.close());
  const link = await createTcpProxy({
    host: '127.0.0.1',
    port: Number(new URL(gateway.mqttUrl).port),
  });
  t.teardown(() => link.close());
  const agent = await Agent.open({
    ...{ dataDir: join(dir, 'device'), device: 'till-1', workflows: [sale, broken] },
    gateway: `mqtt://127.0.0.1:${link.port}`,
    uplink: { retryMsMax: 1_000 },
  });
  t.teardown(() => agent.close());
  return { gateway, agent, link, browser };
}

async function addUser(gateway: Gateway): Promise<void> {
  const token = (await readFile(gateway.tokenFile, 'utf8')).trim();
  const response = await fetch(`${gateway.httpUrl}/api/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ola', role: 'admin', password: 'correct horse battery' }),
  });
  if (!response.ok) throw new Error(await response.text());
}

const rowOf = (page: Page) => page.getByRole('row', { name: /till-1/ });

async function signIn(t: ExecutionContext, page: Page, { gateway }: Shop): Promise<void> {
  await page.goto(gateway.httpUrl);
  await page.getByLabel('User').fill('ola');
  await page.getByLabel('Password').fill('wrong');
  await press(page, 'Sign in');
  await page.getByRole('alert').waitFor();
  t.is(await page.getByLabel('User').inputValue(), 'ola');
  await checkPage(t, page, 'sign-in');
  await page.getByLabel('Password').fill('correct horse battery');
  await press(page, 'Sign in');
}

async function watchDevice(t: ExecutionContext, page: Page, shop: Shop): Promise<void> {
  const { agent, link } = shop;
  const row = rowOf(page);
  await agent.emit('opened', {});
  await agent.synced();
  await row.getByText('synced').waitFor();
  link.setMode('cut');
  const run = await agent.start(sale, { item: 'moka pot' }, { id: 'S-1' });
  await row.getByText('offline').waitFor();
  await checkPage(t, page, 'fleet');
  await lookAtDevice(t, shop);
  link.setMode('up');
  await run.result();
  const failed = await agent.start(broken, undefined, { id: 'B-1' });
  await t.throwsAsync(failed.result());
  await agent.synced();
  await row.getByText('synced').waitFor();
}

async function readRun(t: ExecutionContext, page: Page): Promise<void> {
  await rowOf(page).getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Journal' }).click();
  await page.getByText('step.completed').first().waitFor();
  await checkPage(t, page, 'device');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('link', { name: 'S-1' }).click();
  await page.getByRole('button', { name: /inventory\.update/ }).click();
  await page.getByText('"left": 41').waitFor();
  await page.getByText('the device was ahead of the gateway').waitFor();
  await checkPage(t, page, 'run');
}

/** A failed run is retried, and one is started. */
async function tellDevice(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
  await page.getByRole('link', { name: 'Attention' }).click();
  await page.getByText('broken is failed').waitFor();
  await page.getByRole('link', { name: 'till-1 · B-1' }).click();
  await page.getByText('<b>no</b> signature').first().waitFor();
  isMended = true;
  await press(page, 'Retry');
  await page.getByRole('link', { name: 'on its way' }).click();
  await page.getByText('1 applied').waitFor();
  t.is(await (await agent.run('B-1')).result(), 'a signature');
  await page.getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": ');
  await press(page, 'Send');
  await page.getByText('is not JSON').waitFor();
  await page.getByLabel('Input, JSON').fill('{"item": "teapot"}');
  await press(page, 'Send');
  await page.getByRole('link', { name: 'on its way' }).waitFor();
  await checkPage(t, page, 'commands');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('row', { name: /cmd-.+completed/ }).waitFor();
}

/** A token is made, and a device enrols with it. */
async function enrolDevice(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Enrolment' }).click();
  await page.getByLabel('Tags for them').fill('site');
  await press(page, 'Make a token');
  await page.getByText('Tags are written as').waitFor();
  t.is(await page.getByLabel('Tags for them').inputValue(), 'site');
  await page.getByLabel('Tags for them').fill('site=oslo');
  await page.getByLabel(/^Device/).fill('till-9');
  await press(page, 'Make a token');
  const token = (await page.locator('pre.token').textContent()) ?? '';
  const enrolled = await holdfast(['enroll', '--data-dir', await tempDir(t)], { stdin: token });
  t.is(enrolled.code, 0, enrolled.stderr);
  await page.getByRole('row', { name: /till-9 used 1 of 1: till-9/ }).waitFor();
  await checkPage(t, page, 'enrolment');
  await page.getByRole('link', { name: 'Fleet' }).click();
  await page.getByLabel('Find a device').fill('till-9');
  await page.getByRole('row', { name: /till-9/ }).waitFor();
  await page.getByText('1 device,').waitFor();
}

async function lookAround(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Ledger' }).click();
  await press(page, 'Verify all chains');
  await page.getByText('every chain is whole').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('session.open').first().waitFor();
  await checkPage(t, page, 'settings');
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('link', { name: 'S-1' }).waitFor();
  await checkPage(t, page, 'runs');
  await press(page, 'Sign out');
  await page.getByLabel('Password').waitFor();
}

const mute = { error: () => undefined, info: () => undefined, debug: () => undefined };

/** Somebody stands before the device, whose link is cut. */
async function lookAtDevice(t: ExecutionContext, { agent, browser }: Shop): Promise<void> {
  const served = await serveDevicePage({ port: 0, surface: agent.surface, log: mute });
  t.teardown(() => served.close());
  const { page, complaints } = await openPage(browser);
  await page.goto(served.url);
  await page.getByText(/This device is \d+ entries .+ ahead of the gateway/).waitFor();
  await page.getByRole('heading', { name: /till-1 (?:offline|connecting)/ }).waitFor();
  await checkPage(t, page, 'own-device');
  await page.getByRole('tab', { name: 'Runs' }).press('ArrowRight');
  await page.getByRole('row', { name: /step\.completed S-1 print-ticket/ }).waitFor();
  await checkPage(t, page, 'own-journal');
  await page.getByRole('link', { name: 'S-1' }).first().click();
  await page.getByText('ticket of moka pot').waitFor();
  await page.getByText('not at the gateway yet').first().waitFor();
  await checkPage(t, page, 'own-run');
  t.deepEqual(complaints, []);
  await checkOwnPage(t, served.url);
  await served.close();
  await page.getByText('The agent does not answer').waitFor();
  await page.context().close();
}

/** It only looks, and only for who is here. */
async function checkOwnPage(t: ExecutionContext, url: string): Promise<void> {
  const answers = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${url}${path}`, init)).status;
  t.is(await answers('/v1/runs', { method: 'POST', body: '{}' }), 405);
  t.is(await answers('/', { method: 'POST' }), 405);
  t.is(await answers('/v1/runs/S-1?reveal=1'), 400);
  t.is(await answers('/v1/snapshot'), 404);
  t.is(await answers('/v1/runs/nobody'), 404);
  const { statusCode, headers } = await get(`${url}/v1/status`, { host: 'evil.example' });
  t.is(statusCode, 421, 'a name that somebody has made lead here');
  t.regex(headers['content-security-policy'] as string, /default-src 'none'.*script-src 'self'/);
}

function get(url: string, headers: OutgoingHttpHeaders): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => resolve(response.resume()))
      .once('error', reject)
      .end();
  });
}

/** The page runs what its gateway serves, and nothing else. */
async function checkPolicy(t: ExecutionContext, { gateway, browser }: Shop): Promise<void> {
  const page = await browser.newPage();
  const kept = page.waitForEvent('requestfailed');
  const response = await page.goto(gateway.httpUrl);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.evaluate(
    "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2:1/' }))",
  );
  const { 'content-security-policy': policy = '' } = response?.headers() ?? {};
  t.regex(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  t.is((await kept).failure()?.errorText, 'csp');
  const script = await fetch(`${gateway.httpUrl}/main.js`, {
    headers: { 'accept-encoding': 'gzip' },
  });
  t.true(Number(script.headers.get('content-length')) < 80_000);
  await page.close();
}

withChromium('needs chromium: operators see a device drain, read its runs, tell it', async (t) => {
  const shop = await openShop(t);
  await addUser(shop.gateway);
  const { page, complaints } = await openPage(shop.browser);

  await signIn(t, page, shop);
  await watchDevice(t, page, shop);
  await readRun(t, page);
  await tellDevice(t, page, shop);
  await enrolDevice(t, page);
  await lookAround(t, page);
  await checkPolicy(t, shop);

  t.deepEqual(complaints, []);
});
