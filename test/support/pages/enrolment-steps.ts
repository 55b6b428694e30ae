import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { until } from '@holdfast/device-sim';
import { checkPage, press } from '../browser.ts';
import { holdfast, startHoldfast } from '../holdfast-cli.ts';
import { tempDir } from '../temp-dir.ts';
import type { Shop } from './shop.ts';
import { pageLink } from './walk.ts';

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
export async function enrolDevice(t: ExecutionContext, page: Page, shop: Shop): Promise<void> {
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
