import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { ExecutionContext } from 'ava';
import { serveDevicePage } from '@holdfast/agent/internal';
import type { Page } from 'playwright-core';
import { checkPage, openPage } from '../browser.ts';
import { meetBadAnswers } from './bad-answers.ts';
import type { Shop } from './shop.ts';
import { goTo } from './walk.ts';

const mute = { error: () => undefined, info: () => undefined, debug: () => undefined };

/** Somebody stands before the device, whose link is cut. */
export async function lookAtDevice(t: ExecutionContext, { agent, browser }: Shop): Promise<void> {
  const served = await serveDevicePage({ port: 0, surface: agent.surface, log: mute });
  t.teardown(() => served.close());
  const { page, complaints } = await openPage(browser);
  await page.goto(served.url);
  await page.getByText(/This device is \d+ entries .+ ahead of the gateway/).waitFor();
  await page.getByRole('heading', { name: /till-1 (?:offline|connecting)/ }).waitFor();
  await page.getByRole('img', { name: /Backlog over .+: at most \d+/ }).waitFor();
  await page.getByText('3 runs need a person').waitFor();
  await checkPage(t, page, 'own-device');
  // By keys alone, from tab to tab.
  await page.getByRole('tab', { name: 'Runs' }).press('ArrowRight');
  await page.getByRole('row', { name: /step\.completed S-1 print-ticket/ }).waitFor();
  await checkPage(t, page, 'own-journal');
  await page.getByRole('tab', { name: 'Journal' }).press('ArrowRight');
  await page.getByRole('tab', { name: 'Commands' }).press('ArrowRight');
  await page.getByRole('row', { name: /run is stuck run=D-1/ }).waitFor();
  await checkPage(t, page, 'own-log');
  await page.getByRole('tab', { name: 'Log' }).press('Home');
  await page.getByRole('link', { name: 'S-1' }).first().click();
  await page.getByText('ticket of moka pot').waitFor();
  await page.getByText('not at the gateway yet').first().waitFor();
  await checkPage(t, page, 'own-run');
  await page.getByText(/^Idempotency key .+\/\d+$/).waitFor();
  await readOwnTabs(t, page);
  t.deepEqual(complaints, []);
  await checkOwnPage(t, served.url);
  await meetBadAnswers(t, page, [
    ['#/runs/S-1', /./],
    ['#/', /ahead of the gateway/],
  ]);
  await comeByHostileWays(t, page);
  await served.close();
  await page.getByText('The agent does not answer').first().waitFor();
  await page.context().close();
}

/** The tabs that are left. */
async function readOwnTabs(t: ExecutionContext, page: Page): Promise<void> {
  await goTo(page, '#/');
  await page.getByRole('row', { name: /D-1 delivery stuck .+ HF_|D-1 delivery stuck/ }).waitFor();
  const lanes = page.getByRole('table', { name: 'Lanes of the journal' });
  await lanes.getByRole('row', { name: /^normal \d+ \d+ [1-9]\d*$/ }).waitFor();
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByText('It has had no command lately.').waitFor();
  await page.getByRole('tab', { name: 'Config' }).click();
  await page.getByText('The gateway has set nothing.').waitFor();
  await page.getByRole('tab', { name: 'Identity' }).click();
  await page.getByRole('definition').getByText('till-1').waitFor();
  await checkPage(t, page, 'own-identity');
}

const addresses: readonly (readonly [hash: string, shown: RegExp])[] = [
  ['#/runs/%E0%A4%A', /HF_/],
  ['#/runs/nobody', /HF_RUN_UNKNOWN/],
  ['#/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E', /HF_RUN_UNKNOWN/],
  ['#/runs/..%2F..%2Fstatus', /HF_/],
  [`#/runs/${'x'.repeat(5_000)}`, /HF_/],
  ['#/__proto__/constructor', /There is no page here/],
  ['#javascript:alert(1)', /There is no page here/],
  ['#////', /till-1/],
];

async function comeByHostileWays(t: ExecutionContext, page: Page): Promise<void> {
  const main = page.locator('main');
  for (const [hash, shown] of addresses) {
    await goTo(page, hash);
    await main.getByText(shown).first().waitFor();
    t.is(await main.locator('script').count(), 0, hash);
  }
  await goTo(page, '#/');
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
