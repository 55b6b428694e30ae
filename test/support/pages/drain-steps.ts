import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage, press } from '../browser.ts';
import { broken, sale, signIn, type Shop } from './shop.ts';
import { pageLink, rowOf } from './walk.ts';

export async function signInAtLast(
  t: ExecutionContext,
  page: Page,
  { gateway }: Shop,
): Promise<void> {
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
export async function cutLink(page: Page, { agent, link }: Shop): Promise<void> {
  await agent.emit('opened', {});
  await agent.synced();
  await rowOf(page).getByText('synced').waitFor();
  await page.getByRole('status').getByText('live').waitFor();
  link.setMode('cut');
  await agent.start(sale, { item: 'moka pot' }, { id: 'S-1' });
}

export async function seeDrain(
  t: ExecutionContext,
  page: Page,
  { agent, link }: Shop,
): Promise<void> {
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
export async function seeCatchUp(t: ExecutionContext, page: Page): Promise<void> {
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
