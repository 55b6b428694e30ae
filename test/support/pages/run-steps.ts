import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { checkPage, press } from '../browser.ts';
import type { Shop } from './shop.ts';
import { pageLink, rowOf } from './walk.ts';

export async function readRun(t: ExecutionContext, page: Page): Promise<void> {
  await rowOf(page).getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('img', { name: /^Backlog over .+: at most \d+/ }).waitFor();
  await page.getByText('Banded: offline').waitFor();
  await page.getByRole('tab', { name: 'Journal' }).click();
  await page.getByText('step.completed').first().waitFor();
  await checkPage(t, page, 'device');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('link', { name: 'S-1' }).click();
  await page.getByRole('button', { name: /inventory\.update/ }).click();
  const selected = page.getByRole('region', { name: 'Selected: inventory.update' });
  await selected.getByText('"left": 41').waitFor();
  await selected.getByText(/^Idempotency key .+\/\d+$/).waitFor();
  await selected.getByText(/call\.requested: happened .+, arrived/).waitFor();
  await selected.getByText('input', { exact: true }).waitFor();
  await selected.getByText('output', { exact: true }).waitFor();
  await page.getByText(/^\d operations[.;]/).waitFor();
  await page.getByText('The device was ahead of the gateway').waitFor();
  t.true((await page.locator('.timeline .ahead').count()) > 0, 'a band');
  const waits = page.locator('.timeline .wait');
  t.true((await waits.count()) > 0, 'a wait that is drawn short');
  await checkPage(t, page, 'run');
  await press(page, 'By the clock');
  await waits.first().waitFor({ state: 'detached' });
}

/** Of a long list what is seen is drawn, and all of it can be come to. */
export async function scrollFar(t: ExecutionContext, page: Page): Promise<void> {
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

/** Thousands of entries later, a run can still be read. */
export async function readOldRun(page: Page, { agent }: Shop): Promise<void> {
  await Promise.all(Array.from({ length: 2_200 }, (_, tick) => agent.emit('tick', tick)));
  await agent.synced();
  await page.evaluate("location.hash = '#/devices/till-1/runs/S-1'");
  await page.getByRole('button', { name: /print-ticket/ }).click();
  await page.getByText('ticket of moka pot', { exact: true }).waitFor();
}

export async function browseRuns(t: ExecutionContext, page: Page): Promise<void> {
  await pageLink(page, 'Runs').click();
  await page.getByRole('link', { name: 'S-1' }).waitFor();
  await page.getByRole('row', { name: /B-1 till-1 broken/ }).waitFor();
  await page.getByLabel('Workflow').fill('broken');
  await press(page, 'Find runs');
  await page.getByRole('link', { name: 'S-1' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'B-1' }).waitFor();
  await page.getByLabel('State').selectOption('failed');
  await page.getByText('No run is like this.').waitFor();
  await checkPage(t, page, 'runs');
}
