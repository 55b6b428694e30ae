import { readFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage, press } from '../browser.ts';
import { goTo } from './walk.ts';

/** What of the table is seen is chosen, and all that fits is taken along. */
export async function shapeFleet(t: ExecutionContext, page: Page): Promise<void> {
  await goTo(page, '#/');
  const row = page.getByRole('row', { name: /till-1/ });
  await row.getByRole('img', { name: /^at most [\d,]+ over 24 h/ }).waitFor();
  const version = page.getByLabel('Of version');
  const [first = ''] = await version.locator('option:not([value=""])').allTextContents();
  t.regex(first, /^\d+\.\d+\.\d+\S* \(1\)$/);
  await version.selectOption({ label: first });
  await page.getByText('1 device found').waitFor();
  await row.waitFor();
  await version.selectOption('any');
  await page.getByText('3 devices', { exact: true }).waitFor();
  await chooseColumns(page);
  t.like(await save(page, 'JSON'), { 0: { device: 'till-1' }, length: 3 });
  await page.getByLabel('With tags').fill('site=oslo');
  await page.getByText('1 device found').waitFor();
  const csv = await save(page, 'CSV');
  t.regex(String(csv), /^device,state,pending,.+\r\ntill-9,.+site=oslo\r\n$/);
  await page.getByLabel('With tags').fill('');
  await checkPage(t, page, 'fleet-shaped');
}

/** Which columns are seen is kept in this browser. */
async function chooseColumns(page: Page): Promise<void> {
  const clock = page.getByRole('columnheader', { name: 'Clock' });
  await clock.waitFor();
  const menu = page.locator('summary', { hasText: 'Columns' });
  await menu.press('Enter');
  await page.getByRole('checkbox', { name: 'Clock' }).press(' ');
  await clock.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page.getByRole('checkbox', { name: 'Clock' }).waitFor({ state: 'hidden' });
  await page.reload();
  await page.getByRole('columnheader', { name: 'Last seen' }).waitFor();
  await clock.waitFor({ state: 'detached' });
  await menu.click();
  await page.getByRole('checkbox', { name: 'Clock' }).click();
  await clock.waitFor();
  await menu.click();
}

async function save(page: Page, format: 'CSV' | 'JSON'): Promise<unknown> {
  await page.locator('summary', { hasText: 'Export' }).click();
  const download = page.waitForEvent('download');
  await press(page, `All of these as ${format}`);
  const text = await readFile(await (await download).path(), 'utf8');
  return format === 'CSV' ? text : (JSON.parse(text) as unknown);
}
