import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { checkPage, openPage, press } from '../support/browser.ts';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { comeByHostileWays } from '../support/pages/hostile-ways.ts';
import { lookAtDevice } from '../support/pages/own-page.ts';
import { addUser, broken, faults, openShop, sale, signIn } from '../support/pages/shop.ts';
import type { Shop } from '../support/pages/shop.ts';
import { openTarget, type WebhookTarget } from '../support/pages/webhook-target.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const withChromium = hasProgram('chromium') ? test.serial : test.serial.skip;

const rowOf = (page: Page) => page.getByRole('row', { name: /till-1/ });
const pageLink = (page: Page, name: string) =>
  page.getByRole('navigation').getByRole('link', { name, exact: true });

async function signInAtLast(t: ExecutionContext, page: Page, { gateway }: Shop): Promise<void> {
  await page.goto(gateway.httpUrl);
  await page.getByLabel('User').fill('ola');
  await page.getByLabel('Password').fill('wrong');
  await press(page, 'Sign in');
  await page.getByRole('alert').waitFor();
  t.is(await page.getByLabel('User').inputValue(), 'ola');
  await checkPage(t, page, 'sign-in');
  await signIn(page);
}

/** The link of a device is cut while it works: what it does has not arrived, and that is said. */
async function cutLink(page: Page, { agent, link }: Shop): Promise<void> {
  await agent.emit('opened', {});
  await agent.synced();
  await rowOf(page).getByText('synced').waitFor();
  await page.getByRole('status').getByText('live').waitFor();
  link.setMode('cut');
  await agent.start(sale, { item: 'moka pot' }, { id: 'S-1' });
}

async function seeDrain(t: ExecutionContext, page: Page, { agent, link }: Shop): Promise<void> {
  await pageLink(page, 'Fleet').click();
  const row = rowOf(page);
  await row.getByText('offline').waitFor();
  await row.getByText(/≥ \d/).waitFor();
  await checkPage(t, page, 'fleet');
  await agent.emit('counted', {});
  link.setMode('up');
  await (await agent.run('S-1')).result();
  const failed = await agent.start(broken, undefined, { id: 'B-1' });
  await t.throwsAsync(failed.result());
  await agent.synced();
  await row.getByText('synced').waitFor();
  await page.getByRole('img', { name: /Backlog of the fleet over/ }).waitFor();
}

/** Devices that come back with much are shown while they drain. */
async function seeCatchUp(t: ExecutionContext, page: Page): Promise<void> {
  await page.route('**/api/backlog', async (route) => {
    const answer = (await (await route.fetch()).json()) as object;
    const first = [
      { device: 'till-1', pending: 400, peak: 1_000, since: '2026-01-01T00:00:00Z', leftMs: 5_000 },
    ];
    await route.fulfill({ json: { ...answer, catchingUp: { devices: 3, first } } });
  });
  await pageLink(page, 'Runs').click();
  await pageLink(page, 'Fleet').click();
  await page.getByText('400 of 1,000 left, about 5 s').waitFor();
  t.is(await page.getByLabel('till-1 has caught up').getAttribute('value'), '600');
  await page.getByText('and 2 more').waitFor();
  await checkPage(t, page, 'catching-up');
  await page.unrouteAll({ behavior: 'wait' });
}

async function readRun(t: ExecutionContext, page: Page): Promise<void> {
  await rowOf(page).getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('img', { name: /^Backlog over .+: at most \d+/ }).waitFor();
  await page.getByText('Banded: offline').waitFor();
  await page.getByRole('tab', { name: 'Journal' }).click();
  await page.getByText('step.completed').first().waitFor();
  await checkPage(t, page, 'device');
  await page.getByRole('tab', { name: 'Identity' }).click();
  await page.getByRole('row', { name: /[0-9a-f:]{8,} .+ counts/ }).waitFor();
  await page.getByRole('row', { name: /1 .+ the first/ }).waitFor();
  await checkPage(t, page, 'identity');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('link', { name: 'S-1' }).click();
  await page.getByRole('button', { name: /inventory\.update/ }).click();
  await page.getByText('"left": 41').waitFor();
  await page.getByText('The device was ahead of the gateway').waitFor();
  t.true((await page.locator('.timeline .ahead').count()) > 0, 'a band');
  const waits = page.locator('.timeline .wait');
  t.true((await waits.count()) > 0, 'a wait that is drawn short');
  await checkPage(t, page, 'run');
  await press(page, 'By the clock');
  await waits.first().waitFor({ state: 'detached' });
}

/** A cause that is muted is counted apart, also behind a reload; its runs are ended at once. */
async function muteAndCancel(page: Page, agent: Shop['agent']): Promise<void> {
  await press(page, 'Mute pickup HF_CODE_MISMATCH');
  await pageLink(page, 'Attention 2').waitFor();
  await page.reload();
  await pageLink(page, 'Attention 2').waitFor();
  await page.getByText('1 muted, in this browser alone').click();
  await press(page, 'Unmute pickup HF_CODE_MISMATCH');
  await pageLink(page, 'Attention 3').waitFor();
  const pickups = page.locator('section').filter({ hasText: 'pickup' });
  await pickups.getByRole('button', { name: 'Cancel all 2' }).click();
  await press(page, 'Cancel for good');
  await pickups.getByText('2 of 2 told').waitFor();
  for (const id of ['P-1', 'P-2']) {
    const run = await agent.run(id);
    const isCancelled = async () => (await run.status()).state === 'cancelled';
    await until(`${id} to be cancelled`, isCancelled, 20_000);
  }
}

/** What needs somebody is one line a cause; a run that is stuck, and one that failed, go on. */
async function attend(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
  await pageLink(page, 'Attention 3').click();
  const heading = (name: RegExp) => page.getByRole('heading', { name });
  await heading(/broken\/verify HF_STEP_FAILED on 1 device since \d/).waitFor();
  await heading(/delivery HF_CODE_MISMATCH on 1 device since \d/).waitFor();
  await page.getByText('2 runs are stuck').waitFor();
  await checkPage(t, page, 'attention');
  await muteAndCancel(page, agent);
  faults.isRelabelled = false;
  await page.getByRole('link', { name: 'till-1 · D-1' }).click();
  await page.getByRole('heading', { name: 'D-1 stuck' }).waitFor();
  await press(page, 'Retry');
  await page.getByRole('link', { name: 'on its way' }).waitFor();
  await page.getByRole('heading', { name: 'D-1 running' }).waitFor();
  await page.goBack();
  const failed = page.locator('section').filter({ hasText: 'broken/verify HF_STEP_FAILED' });
  await failed.getByRole('button', { name: 'Retry it' }).click();
  await press(page, 'Retry now');
  await page.getByText('1 of 1 told').waitFor();
  await page.getByRole('link', { name: 'till-1 · B-1' }).click();
  await page.getByText('<b>no</b> signature').nth(1).waitFor();
  t.is(await page.title(), 'B-1 · till-1 · Holdfast');
  faults.isBroken = false;
  await press(page, 'Retry');
  await page.getByRole('link', { name: 'on its way' }).click();
  await page.getByText('1 applied').waitFor();
  await checkPage(t, page, 'command');
  t.is(await (await agent.run('B-1')).result(), 'a signature');
}

/** A device is told to send a signal, keep a setting, start a run. */
async function tellDevice(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
  await page.getByRole('link', { name: 'till-1' }).click();
  await forkRun(t, page, agent);
  await page.getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  const kind = page.getByRole('tabpanel').getByRole('combobox');
  await kind.selectOption('send a signal');
  await page.getByLabel('Run', { exact: true }).fill('D-1');
  await page.getByRole('textbox', { name: 'Signal' }).fill('signed');
  await page.getByLabel('Payload, JSON').fill('"Kari"');
  await press(page, 'Send');
  t.deepEqual(await (await agent.run('D-1')).result(), { van: 'loaded', signed: 'Kari' });
  await kind.selectOption('keep a setting');
  await page.getByRole('textbox', { name: 'Setting' }).fill('report.every');
  await page.getByLabel('Value, JSON').fill('{"minutes": 15}');
  await press(page, 'Send');
  await page.getByText('config.set is').waitFor();
  const isKept = async () => (await agent.config('report.every')) !== undefined;
  await until('the setting to be kept', isKept, 20_000);
  t.deepEqual(await agent.config('report.every'), { minutes: 15 });
  await kind.selectOption('start a run');
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": ');
  await press(page, 'Send');
  await page.getByText('is not JSON').waitFor();
  t.is(await page.getByLabel('Input, JSON').inputValue(), '{"item": ');
  await page.getByLabel('Input, JSON').fill('{"item": "teapot"}');
  await press(page, 'Send');
  await page.getByText('run.start is').waitFor();
  await checkPage(t, page, 'commands');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('row', { name: /cmd-.+completed/ }).nth(1).waitFor();
}

/** Of a long list what is seen is drawn, and all of it can be come to. */
async function scrollFar(t: ExecutionContext, page: Page): Promise<void> {
  await page.route('**/api/devices/till-1/runs?*', async (route) => {
    const answer = (await (await route.fetch()).json()) as { readonly runs: readonly object[] };
    const [first] = answer.runs;
    const runs = Array.from({ length: 1_000 }, (_, at) => ({ ...first, id: `long-${at}` }));
    await route.fulfill({ json: { ...answer, runs } });
  });
  await page.reload();
  const table = page.getByRole('table', { name: 'Runs' });
  await table.getByRole('link', { name: 'long-0' }).waitFor();
  t.is(await table.getAttribute('aria-rowcount'), '1001');
  t.true((await page.locator('tbody tr').count()) < 200);
  await page.evaluate('scrollTo(0, document.body.scrollHeight)');
  await table.getByRole('link', { name: 'long-999' }).waitFor();
  t.true((await page.locator('tbody tr').count()) < 200);
  t.is(await page.locator('[aria-rowindex="1001"] a').textContent(), 'long-999');
  await page.unrouteAll({ behavior: 'wait' });
}

/** A run begins anew from its second operation: what came before is not done again. */
async function forkRun(t: ExecutionContext, page: Page, agent: Shop['agent']): Promise<void> {
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
  await pageLink(page, 'Enrolment').click();
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
}

/** Devices are found by their name, their tags and their state. */
async function findDevices(t: ExecutionContext, page: Page): Promise<void> {
  await pageLink(page, 'Fleet').click();
  await page.getByText('3 devices', { exact: true }).waitFor();
  await page.getByLabel('Find a device').fill('till-9');
  await page.getByRole('row', { name: /till-9/ }).waitFor();
  await page.getByText('1 device found').waitFor();
  await page.getByLabel('Find a device').fill('');
  await page.getByLabel('With tags').fill('site=os');
  await page.getByText('No device is like this.').waitFor();
  await page.getByLabel('With tags').fill('site');
  await page.getByText('Tags are written as').waitFor();
  await page.getByLabel('With tags').fill('site=oslo');
  await page.getByText('1 device found').waitFor();
  await page.getByLabel('With tags').fill('');
  await page.getByLabel('Order').selectOption('by name');
  await page.getByText('3 devices', { exact: true }).waitFor();
  await page.getByRole('button', { name: /synced/ }).click();
  await page.getByText('1 device', { exact: true }).waitFor();
  await page.getByRole('button', { name: /synced/ }).click();
  await page.getByText('3 devices', { exact: true }).waitFor();
  t.is(await page.getByRole('row').count(), 4);
}

/** By keys alone, from anywhere: to a device, to a run, to a page. */
async function goByKeys(t: ExecutionContext, page: Page): Promise<void> {
  const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first().waitFor();
  const find = async (text: string, option: RegExp) => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type(text);
    await page.getByRole('option', { name: option }).first().waitFor();
  };
  await find('till-1', /till-1 device, synced/);
  await page.keyboard.press('Enter');
  await heading(/^till-1/);
  await find('S-1', /S-1 run of sale on till-1, completed/);
  await checkPage(t, page, 'palette');
  await page.keyboard.press('Enter');
  await heading('S-1');
  await find('till-1 B-1', /B-1 run on till-1/);
  await page.keyboard.press('Enter');
  await heading('B-1');
  await find('e', /Fleet page/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const chosen = page.getByRole('option', { selected: true });
  t.is(await chosen.textContent(), 'Ledger page');
  await page.keyboard.press('Enter');
  await heading('Ledger');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('<img src=x>');
  await page.getByText('Nothing here is called like this.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  // Over what every page begins with, to what is below.
  await pageLink(page, 'Commands').click();
  await page.getByRole('row', { name: /run\.fork/ }).waitFor();
  await checkPage(t, page, 'all-commands');
  await page.getByRole('link', { name: 'To the content' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  t.is(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Commands');
}

/** An endpoint is told of what arrives; a wrong one is refused, and stays to be mended. */
async function addWebhook(t: ExecutionContext, page: Page, url: string): Promise<void> {
  await page.getByLabel('Endpoint').fill('ftp://127.0.0.1/');
  await press(page, 'Add a webhook');
  await page.getByRole('alert').getByText('HF_WEBHOOK_TARGET').waitFor();
  t.is(await page.getByLabel('Endpoint').inputValue(), 'ftp://127.0.0.1/');
  await page.getByLabel('Endpoint').fill(url);
  await page.getByLabel('Kinds of entries').fill('event.emitted');
  await press(page, 'Add a webhook');
  await page.getByText(/whsec_/).waitFor();
  await page.getByRole('row', { name: /127\.0\.0\.1.+active/ }).waitFor();
}

/** One that did not take what it was told is told again, and one that is gone is let go. */
async function tendWebhook(
  t: ExecutionContext,
  page: Page,
  { agent, target }: { readonly agent: Shop['agent']; readonly target: WebhookTarget },
): Promise<void> {
  const { url } = target;
  const row = page.getByRole('row', { name: url });
  await row.getByRole('button', { name: `Send again ${url}` }).waitFor();
  await checkPage(t, page, 'settings');
  target.answer = 200;
  await press(page, `Send again ${url}`);
  await page.getByText('1 event is sent again.').waitFor();
  await press(page, `Test ${url}`);
  await page.getByText('The endpoint took it.').waitFor();
  target.answer = 410;
  await agent.emit('closed', {});
  await row.getByText(/^disabled/).waitFor();
  await press(page, `Enable ${url}`);
  await page.getByText('It is told again, from where it was.').waitFor();
  await press(page, `Remove ${url}`);
  await press(page, 'Remove for good');
  await page.getByText('No webhook yet.').waitFor();
}

/** Who may come in: users, and tokens for programs. */
async function letIn(t: ExecutionContext, page: Page): Promise<void> {
  const [users, tokens] = ['Users', 'API tokens'].map((name) => {
    return page.locator('section').filter({ has: page.getByRole('heading', { name }) });
  });
  await users?.getByLabel('Name').fill('<b>kari</b>');
  await users?.getByLabel('Password').fill('short');
  await press(page, 'Add a user');
  await page.getByRole('alert').waitFor();
  t.is(await users?.getByLabel('Name').inputValue(), '<b>kari</b>');
  await tokens?.getByLabel('Name').fill('grafana');
  await press(page, 'Make a token');
  await page.getByText('Copy it now').waitFor();
  await press(page, 'Revoke grafana');
  await page.getByRole('row', { name: /grafana viewer revoked/ }).waitFor();
  await page.getByText('session.open').first().waitFor();
}

/** Entries of all devices are narrowed, and taken along. */
async function browseLedger(t: ExecutionContext, page: Page): Promise<void> {
  await pageLink(page, 'Ledger').click();
  await press(page, 'Verify all chains');
  await page.getByText('every chain is whole').waitFor();
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

async function browseRuns(t: ExecutionContext, page: Page): Promise<void> {
  await pageLink(page, 'Runs').click();
  await page.getByRole('link', { name: 'S-1' }).waitFor();
  await page.getByLabel('Workflow').fill('broken');
  await press(page, 'Find runs');
  await page.getByRole('link', { name: 'S-1' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'B-1' }).waitFor();
  await page.getByLabel('State').selectOption('failed');
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

/** The session and the gateway go away while somebody types: it is said, and all goes on. */
async function loseGateway(t: ExecutionContext, page: Page, shop: Shop): Promise<void> {
  const input = page.getByLabel('Input, JSON');
  await page.evaluate("location.hash = '#/devices/till-1'");
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByLabel('Workflow').fill('sale');
  await input.fill('{"item": "kettle"}');
  await page.context().clearCookies();
  await page.getByText('You were signed out.').waitFor();
  await checkPage(t, page, 'signed-out');
  await signIn(page);
  await input.waitFor();
  t.is(await input.inputValue(), '{"item": "kettle"}');
  await shop.gateway.close();
  await press(page, 'Send');
  await page.getByText('HF_GATEWAY_UNREACHABLE').first().waitFor();
  await page.getByText('no connection: trying again').waitFor();
  t.is(await input.inputValue(), '{"item": "kettle"}');
  t.is(await page.getByLabel('Workflow').inputValue(), 'sale');
  t.true(await page.getByRole('heading', { name: 'till-1' }).isVisible());
  await checkPage(t, page, 'unreachable');
  const gateway = await Gateway.open(shop.options);
  t.teardown(() => gateway.close());
  await page.getByRole('status').getByText('live').waitFor();
  await press(page, 'Send');
  await page.getByRole('link', { name: 'on its way' }).waitFor();
  await page.getByText('HF_GATEWAY_UNREACHABLE').first().waitFor({ state: 'detached' });
}

/** The page runs what its gateway serves, and nothing else. */
async function checkPolicy(t: ExecutionContext, { gateway, browser }: Shop): Promise<void> {
  const page = await browser.newPage();
  const kept = page.waitForEvent('requestfailed');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).origin));
  const response = await page.goto(gateway.httpUrl);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  t.deepEqual([...new Set(asked)], [gateway.httpUrl], 'nobody else is asked for anything');
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
  // A proxy whose gateway is away answers with what ends the browser's own tries.
  await page.route('**/api/events', (route) => route.fulfill({ status: 502 }));
  await signIn(page);
  await page.getByText('no connection: trying again').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  await page.getByRole('status').getByText('live').waitFor();
  await press(page, 'Sign out');
  await page.getByLabel('Password').waitFor();
  await page.close();
}

withChromium('needs chromium: operators see a device drain, read its runs, tell it', async (t) => {
  const shop = await openShop(t);
  await addUser(shop.gateway);
  const { page, complaints } = await openPage(shop.browser);
  const target = await openTarget(t);
  target.answer = 422;

  await signInAtLast(t, page, shop);
  await cutLink(page, shop);
  // What takes its time goes on meanwhile.
  await lookAtDevice(t, shop);
  await pageLink(page, 'Settings').click();
  await addWebhook(t, page, target.url);
  await enrolDevice(t, page, shop);
  await seeDrain(t, page, shop);
  await seeCatchUp(t, page);
  await readRun(t, page);
  await attend(t, page, shop);
  await tellDevice(t, page, shop);
  await scrollFar(t, page);
  await findDevices(t, page);
  await goByKeys(t, page);
  await browseLedger(t, page);
  await browseRuns(t, page);
  await pageLink(page, 'Settings').click();
  await letIn(t, page);
  await tendWebhook(t, page, { agent: shop.agent, target });
  await checkPolicy(t, shop);
  t.deepEqual(complaints, []);

  await readOldRun(page, shop);
  await comeByHostileWays(t, page, shop);
  await loseGateway(t, page, shop);
  // The browser itself says what was not found, and what did not answer.
  const own = complaints.filter((text) => !text.startsWith('Failed to load resource'));
  t.deepEqual(own, []);
});
