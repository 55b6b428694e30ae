import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage } from '../browser.ts';
import { pageLink } from './walk.ts';

/** Devices are found by their name, their tags and their state. */
export async function findDevices(t: ExecutionContext, page: Page): Promise<void> {
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
export async function goByKeys(t: ExecutionContext, page: Page): Promise<void> {
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
