import { readFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage, press } from '../browser.ts';
import type { Shop } from './shop.ts';
import { pageLink } from './walk.ts';
import type { WebhookTarget } from './webhook-target.ts';

/** An endpoint is told of what arrives; a wrong one is refused, and stays to be mended. */
export async function addWebhook(t: ExecutionContext, page: Page, url: string): Promise<void> {
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
export async function tendWebhook(
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
export async function letIn(t: ExecutionContext, page: Page): Promise<void> {
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
export async function browseLedger(t: ExecutionContext, page: Page): Promise<void> {
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
