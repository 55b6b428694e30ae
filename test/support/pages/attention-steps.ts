import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { until } from '@holdfast/device-sim';
import { checkPage, press } from '../browser.ts';
import { faults, type Shop } from './shop.ts';
import { pageLink } from './walk.ts';

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
export async function attend(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
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
  await page.getByRole('definition').getByText('HF_CODE_MISMATCH').waitFor();
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
