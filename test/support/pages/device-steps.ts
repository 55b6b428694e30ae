import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage, press } from '../browser.ts';
import { goTo, type Walk } from './walk.ts';

/** How a device was there, how far it is, and each of its tabs. */
export async function readDevice(t: ExecutionContext, { page }: Walk): Promise<void> {
  await goTo(page, '#/devices/till-1');
  const connectivity = page.getByRole('img', { name: /^Connectivity: [\d.]+ % up over .+ outage/ });
  await connectivity.waitFor();
  t.regex((await connectivity.getAttribute('aria-label')) ?? '', /longest outage \d/);
  const lanes = page.getByRole('table', { name: 'Lanes of the journal' });
  // Head, acked, in the ledger: it is synced, so that they are one number, and nothing is pending.
  await lanes.getByRole('row', { name: /^normal (\d+) \1 \1 0$/ }).waitFor();
  await page.getByRole('img', { name: /\d+ appended .+ \d+ arrived .+ over/ }).waitFor();
  await page.getByRole('row', { name: /B-1 broken failed .+ at verify/ }).waitFor();
  await page.getByRole('tab', { name: 'Log' }).click();
  await page.getByRole('row', { name: /it was back after \d/ }).first().waitFor();
  await page.getByRole('row', { name: /it greeted with its key/ }).waitFor();
  await checkPage(t, page, 'device-log');
  // By keys alone, from tab to tab.
  await page.getByRole('tab', { name: 'Log' }).press('ArrowRight');
  await page.getByText('It was given no setting from here.').waitFor();
  await page.getByRole('tab', { name: 'Config' }).press('ArrowRight');
  await page.getByRole('row', { name: /[0-9a-f:]{8,} .+ counts/ }).waitFor();
  await page.getByRole('row', { name: /1 .+ the first/ }).waitFor();
  await checkPage(t, page, 'identity');
  await page.getByRole('tab', { name: 'Identity' }).press('Home');
  await page.getByRole('link', { name: 'S-1' }).waitFor();
}

/** The buttons of a device: what is told, and what is not done by one press alone. */
export async function pressButtons(t: ExecutionContext, { page, agent }: Walk): Promise<void> {
  await goTo(page, '#/devices/till-1');
  await press(page, 'Signal');
  const kind = page.getByRole('tabpanel').getByRole('combobox');
  t.is(await kind.inputValue(), 'run.signal');
  await page.getByRole('textbox', { name: 'Signal' }).fill('half written');
  await page.getByRole('tab', { name: 'Journal' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  t.is(await page.getByRole('textbox', { name: 'Signal' }).inputValue(), 'half written');
  await press(page, 'Command');
  t.is(await kind.inputValue(), 'run.start');
  // A device that was never enrolled has no key that could be another one, and says so.
  await press(page, 'Rotate key');
  await press(page, 'Have it take a new key');
  await page.getByText('key.rotate is').waitFor();
  const told = page.getByRole('table', { name: 'Commands of this device' });
  await told.getByRole('row', { name: /key\.rotate .*rejected/ }).waitFor();
  await told.getByRole('row', { name: /run\.signal applied D-1 signed/ }).waitFor();
  await page.getByRole('tab', { name: 'Config' }).click();
  await page.getByRole('row', { name: /report\.every {"minutes":15} applied/ }).waitFor();
  t.deepEqual(await agent.config('report.every'), { minutes: 15 });
}

/** What is told to a device that is away is queued, and in words. */
export async function tellAway(t: ExecutionContext, walk: Walk): Promise<void> {
  const { page, link } = walk;
  await goTo(page, '#/');
  await page.getByRole('row', { name: /till-1/ }).getByText('offline').waitFor();
  await goTo(page, '#/devices/till-1');
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": "sieve"}');
  await press(page, 'Send');
  await page.getByText('run.start is').waitFor();
  const queued = /queued, device offline \d/;
  await page.getByRole('row', { name: queued }).waitFor();
  await goTo(page, '#/commands');
  await page.getByRole('row', { name: queued }).waitFor();
  await checkPage(t, page, 'queued');
  await page.getByRole('row', { name: queued }).getByRole('link').first().click();
  await page.getByRole('row', { name: queued }).waitFor();
  link.setMode('up');
  await page.getByRole('row', { name: /till-1 applied/ }).waitFor();
}

/** A device that is lost: nothing of it counts from the second press on. */
export async function revokeDevice(t: ExecutionContext, page: Page): Promise<void> {
  await goTo(page, '#/devices/till-9');
  await press(page, 'Revoke this device');
  await page.getByRole('tab', { name: 'Identity' }).click();
  const key = page.getByRole('table', { name: 'Keys' }).getByRole('row').nth(1);
  await key.getByText('counts').waitFor();
  // To look elsewhere takes the question back.
  await press(page, 'Revoke this device');
  await press(page, 'Take nothing from it any more');
  await page.getByText('Nothing of till-9 counts any more.').waitFor();
  await key.getByText(/^revoked/).waitFor();
  await checkPage(t, page, 'revoked');
}
