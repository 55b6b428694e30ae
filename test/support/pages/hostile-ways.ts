import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage } from '../browser.ts';
import { sale, type Shop } from './shop.ts';

const hostileId = `a "b" <img src=x onerror=alert(1)> 'c'/d%2F\u202Efdp.exe`;

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
export async function comeByHostileWays(
  t: ExecutionContext,
  page: Page,
  { agent }: Shop,
): Promise<void> {
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
  // What turns the writing around turns nothing beside it.
  t.is(await main.locator('h1 bdi').textContent(), hostileId);
  await checkPage(t, page, 'hostile-run');
  await page.evaluate("location.hash = '#/runs'");
  await page.getByRole('link', { name: hostileId }).waitFor();
  const style = "getComputedStyle(document.querySelector('td a')).unicodeBidi";
  t.is(await page.evaluate(style), 'isolate');
  await checkPage(t, page, 'hostile-runs');
}
