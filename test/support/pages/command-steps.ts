import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { until } from '@holdfast/device-sim';
import { checkPage, press } from '../browser.ts';
import type { Shop } from './shop.ts';

/** A device is told to send a signal, keep a setting, start a run. */
export async function tellDevice(t: ExecutionContext, page: Page, { agent }: Shop): Promise<void> {
  await page.getByRole('link', { name: 'till-1' }).click();
  await forkRun(t, page, agent);
  await page.getByRole('link', { name: 'till-1' }).click();
  await page.getByRole('tab', { name: 'Commands' }).click();
  const kind = page.getByRole('tabpanel').getByRole('combobox');
  await kind.selectOption('send a signal');
  await page.getByLabel('Run', { exact: true }).fill('D-1');
  await page.getByRole('textbox', { name: 'Signal' }).fill('signed');
  await page.getByLabel('Payload, JSON').fill('"Kari"');
  await press(page, 'Send');
  t.deepEqual(await (await agent.run('D-1')).result(), { van: 'loaded', signed: 'Kari' });
  await kind.selectOption('keep a setting');
  await page.getByRole('textbox', { name: 'Setting' }).fill('report.every');
  await page.getByLabel('Value, JSON').fill('{"minutes": 15}');
  await press(page, 'Send');
  await page.getByText('config.set is').waitFor();
  const isKept = async () => (await agent.config('report.every')) !== undefined;
  await until('the setting to be kept', isKept, 20_000);
  t.deepEqual(await agent.config('report.every'), { minutes: 15 });
  await kind.selectOption('start a run');
  await page.getByLabel('Workflow').fill('sale');
  await page.getByLabel('Input, JSON').fill('{"item": ');
  await press(page, 'Send');
  await page.getByText('is not JSON').waitFor();
  t.is(await page.getByLabel('Input, JSON').inputValue(), '{"item": ');
  await page.getByLabel('Input, JSON').fill('{"item": "teapot"}');
  await press(page, 'Send');
  await page.getByText('run.start is').waitFor();
  await checkPage(t, page, 'commands');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await page.getByRole('row', { name: /cmd-.+completed/ }).nth(1).waitFor();
}

/** A run begins anew from its second operation: what came before is not done again. */
async function forkRun(t: ExecutionContext, page: Page, agent: Shop['agent']): Promise<void> {
  await page.getByRole('link', { name: 'S-1' }).click();
  await page.getByRole('button', { name: /inventory\.update/ }).click();
  await press(page, 'Fork from here');
  const forked = page.getByRole('link', { name: /^cmd-/ });
  const id = (await forked.textContent()) ?? '';
  await forked.click();
  await page.getByRole('heading', { name: `${id} completed` }).waitFor();
  t.deepEqual(await (await agent.run(id)).result(), {
    ticket: 'ticket of moka pot',
    stock: { left: 41 },
  });
}
