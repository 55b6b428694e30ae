import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { Agent, workflow } from '@holdfast/agent';
import { createTcpProxy, until, type TcpProxy } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { serveDevicePage } from '@holdfast/agent/internal';
import { checkPage, openBrowser, openPage, press } from '../support/browser.ts';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
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
    webhookAllowPrivate: true,
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
  await checkPage(t, page, 'attention');
  await press(page, 'Retry it');
  await press(page, 'Retry now');
  await page.getByText('1 of 1 told').waitFor();
  await page.getByRole('link', { name: 'till-1 · B-1' }).click();
  t.is(await page.title(), 'B-1 · till-1 · Holdfast');
  await page.getByText('<b>no</b> signature').nth(1).waitFor();
  isMended = true;
  await press(page, 'Retry');
  await page.getByRole('link', { name: 'on its way' }).click();
  await page.getByText('1 applied').waitFor();
  await checkPage(t, page, 'command');
  t.is(await (await agent.run('B-1')).result(), 'a signature');
  await page.getByRole('link', { name: 'till-1' }).click();
  await forkRun(t, page, agent);
  await page.getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByRole('combobox').selectOption('keep a setting');
  await page.getByRole('textbox', { name: 'Setting' }).fill('report.every');
  await page.getByLabel('Value, JSON').fill('{"minutes": 15}');
  await press(page, 'Send');
  await page.getByText('config.set is').waitFor();
  const isKept = async () => (await agent.config('report.every')) !== undefined;
  await until('the setting to be kept', isKept, 20_000);
  t.deepEqual(await agent.config('report.every'), { minutes: 15 });
  await page.getByRole('combobox').selectOption('start a run');
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": ');
  await press(page, 'Send');
  await page.getByText('is not JSON').waitFor();
  await page.getByLabel('Input, JSON').fill('{"item": "teapot"}');
  await press(page, 'Send');
  await page.getByRole('link', { name: 'on its way' }).waitFor();
  await checkPage(t, page, 'commands');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('row', { name: /cmd-.+completed/ }).nth(1).waitFor();
}

/** A run begins anew from its second operation: what came before is not done again. */
async function forkRun(t: ExecutionContext, page: Page, agent: Agent): Promise<void> {
  await page.getByRole('link', { name: 'S-1' }).click();
  await page.getByRole('button', { name: /inventory\.update/ }).click();
  await press(page, 'Fork from here');
  const forked = page.getByRole('link', { name: /^cmd-/ });
  const id = (await forked.textContent()) ?? '';
  await forked.click();
  await page.getByRole('heading', { name: `${id} completed` }).waitFor();
  t.deepEqual(await (await agent.run(id)).result(), {
    ticket: 'ticket of moka pot',
    stock: { left: 41 },
  });
}

/** A device that has no token shows a code, and is let in by the words that it shows. */
async function pairDevice(t: ExecutionContext, page: Page, { gateway }: Shop): Promise<void> {
  const args = ['--data-dir', await tempDir(t), '--gateway', gateway.httpUrl, '--device', 'till-7'];
  const asking = startHoldfast(t, ['enroll', ...args]);
  const shown = /Code (\S+), words: (.+)\n/;
  await until('a code', () => Promise.resolve(shown.test(asking.stderr())));
  const [, code = '', words = ''] = shown.exec(asking.stderr()) ?? [];
  await press(page, 'Choose till-7');
  t.is(await page.getByLabel('Code').inputValue(), code);
  await page.getByLabel('Words that it shows').fill('some other words');
  await press(page, 'Let it in');
  await page.getByText('HF_PAIRING_REFUSED').waitFor();
  t.is(await page.getByLabel('Words that it shows').inputValue(), 'some other words');
  await checkPage(t, page, 'pairing');
  await page.getByLabel('Words that it shows').fill(words);
  await press(page, 'Let it in');
  await page.getByText('till-7 was let in').waitFor();
  const [exitCode] = await asking.ended;
  t.is(exitCode, 0, asking.stderr());
}

/** A token is made, and a device enrols with it. */
async function enrolDevice(t: ExecutionContext, page: Page, shop: Shop): Promise<void> {
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
  await pairDevice(t, page, shop);
  await page.getByRole('link', { name: 'Fleet' }).click();
  await page.getByLabel('Find a device').fill('till-9');
  await page.getByRole('row', { name: /till-9/ }).waitFor();
  await page.getByText('1 device,').waitFor();
}

/** An endpoint is told of what arrives. */
async function addWebhook(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByLabel('Endpoint').fill('ftp://127.0.0.1/');
  await press(page, 'Add a webhook');
  await page.getByRole('alert').getByText('HF_WEBHOOK_TARGET').waitFor();
  t.is(await page.getByLabel('Endpoint').inputValue(), 'ftp://127.0.0.1/');
  await page.getByLabel('Endpoint').fill('http://127.0.0.1:9/orders');
  await press(page, 'Add a webhook');
  await page.getByText(/whsec_/).waitFor();
  await page.getByRole('row', { name: /127\.0\.0\.1:9.+active/ }).waitFor();
}

/** Entries of all devices are narrowed, and taken along. */
async function browseLedger(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByLabel('Kind').fill('call.completed');
  await press(page, 'Find entries');
  const found = page.getByRole('table', { name: 'Entries of all devices' });
  await found.getByRole('row', { name: /till-1 .+ call\.completed S-1/ }).waitFor();
  t.is(await found.getByText('step.completed').count(), 0);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'All of these as CSV' }).click();
  const path = await (await download).path();
  t.regex(await readFile(path, 'utf8'), /call\.completed/);
  await checkPage(t, page, 'ledger');
}

async function lookAround(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Commands' }).click();
  await page.getByRole('row', { name: /run\.fork/ }).waitFor();
  await checkPage(t, page, 'all-commands');
  // By keys alone: over what every page begins with, to what is below.
  await page.getByRole('link', { name: 'To the content' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  t.is(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Commands');
  await page.getByRole('link', { name: 'Ledger' }).click();
  await press(page, 'Verify all chains');
  await page.getByText('every chain is whole').waitFor();
  await browseLedger(t, page);
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('session.open').first().waitFor();
  await addWebhook(t, page);
  await checkPage(t, page, 'settings');
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('link', { name: 'S-1' }).waitFor();
  await page.getByLabel('Workflow').fill('broken');
  await press(page, 'Find runs');
  await page.getByRole('link', { name: 'S-1' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'B-1' }).waitFor();
  await page.getByRole('combobox').selectOption('failed');
  await page.getByText('No run is like this.').waitFor();
  await checkPage(t, page, 'runs');
}

/** Thousands of entries later, a run can still be read. */
async function readOldRun(page: Page, { agent }: Shop): Promise<void> {
  await Promise.all(Array.from({ length: 2_200 }, (_, tick) => agent.emit('tick', tick)));
  await agent.synced();
  await page.evaluate("location.hash = '#/devices/till-1/runs/S-1'");
  await page.getByRole('button', { name: /print-ticket/ }).click();
  await page.getByText('ticket of moka pot').waitFor();
}

const hostileId = `a "b" <img src=x onerror=alert(1)> 'c'/d%2F`;

/** Addresses that nobody made, and what is there instead of a blank page. */
const addresses: readonly (readonly [hash: string, shown: RegExp])[] = [
  ['#/devices/%E0%A4%A', /HF_/],
  ['#/devices/nobody', /HF_DEVICE_UNKNOWN/],
  ['#/devices/nobody/runs/x', /HF_DEVICE_UNKNOWN/],
  ['#/devices/..%2F..%2Fruns', /HF_/],
  ['#/devices/till-1/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E', /No entry of this run/],
  [`#/devices/till-1/runs/${'x'.repeat(5_000)}`, /HF_REQUEST_INVALID/],
  ['#/devices/till-1/runs/', /till-1/],
  ['#/commands/%00', /HF_/],
  ['#/commands/nothing', /HF_COMMAND_UNKNOWN/],
  ['#/enrolment/%22%3E%3Cb%3E', /A device that shows a code/],
  ['#/__proto__/constructor', /There is no page here/],
  ['#javascript:alert(1)', /There is no page here/],
  ['#////', /Fleet/],
];

/** Whatever is asked for and whatever there is to show, something is shown, as text. */
async function comeByHostileWays(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
  const main = page.locator('main');
  for (const [hash, shown] of addresses) {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await main.getByText(shown).first().waitFor();
    t.true(await page.getByRole('link', { name: 'Fleet' }).first().isVisible(), hash);
  }
  const order = { item: '<img src=x onerror=alert(2)>'.repeat(1_500) };
  await (await agent.start(sale, order, { id: hostileId })).result();
  await agent.synced();
  const address = `#/devices/till-1/runs/${encodeURIComponent(hostileId)}`;
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
  await page.getByRole('heading', { name: hostileId }).waitFor();
  await main.locator('pre').first().waitFor();
  t.is(await main.locator('img').count(), 0);
  await checkPage(t, page, 'hostile-run');
}

/** The gateway goes away while somebody types: it is said, and what was typed stays. */
async function loseGateway(t: ExecutionContext, page: Page, { gateway }: Shop): Promise<void> {
  await page.getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": "kettle"}');
  await gateway.close();
  await press(page, 'Send');
  await page.getByText('HF_GATEWAY_UNREACHABLE').first().waitFor();
  t.is(await page.getByLabel('Input, JSON').inputValue(), '{"item": "kettle"}');
  t.is(await page.getByLabel('Workflow').inputValue(), 'sale');
  t.true(await page.getByRole('heading', { name: 'till-1' }).isVisible());
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
  await page.getByLabel('User').fill('ola');
  await page.getByLabel('Password').fill('correct horse battery');
  await press(page, 'Sign in');
  await press(page, 'Sign out');
  await page.getByLabel('Password').waitFor();
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
  await enrolDevice(t, page, shop);
  await lookAround(t, page);
  await checkPolicy(t, shop);
  t.deepEqual(complaints, []);

  await readOldRun(page, shop);
  await comeByHostileWays(t, page, shop);
  await loseGateway(t, page, shop);
  // The browser itself says what was not found, and what did not answer.
  const own = complaints.filter((text) => !text.startsWith('Failed to load resource'));
  t.deepEqual(own, []);
});
