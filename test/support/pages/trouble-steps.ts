import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { Gateway } from '@holdfast/gateway';
import { checkPage, press } from '../browser.ts';
import { signIn, type Shop } from './shop.ts';

/** The session and the gateway go away while somebody types: it is said, and all goes on. */
export async function loseGateway(t: ExecutionContext, page: Page, shop: Shop): Promise<void> {
  const input = page.getByLabel('Input, JSON');
  await page.evaluate("location.hash = '#/devices/till-1'");
  await page.getByRole('tab', { name: 'Commands' }).click();
  await page.getByLabel('Workflow').fill('sale');
  await input.fill('{"item": "kettle"}');
  await page.context().clearCookies();
  await page.getByText('You were signed out.').waitFor();
  await checkPage(t, page, 'signed-out');
  await signIn(page);
  await input.waitFor();
  t.is(await input.inputValue(), '{"item": "kettle"}');
  await shop.gateway.close();
  await press(page, 'Send');
  await page.getByText('HF_GATEWAY_UNREACHABLE').first().waitFor();
  await page.getByText('no connection: trying again').waitFor();
  t.is(await input.inputValue(), '{"item": "kettle"}');
  t.is(await page.getByLabel('Workflow').inputValue(), 'sale');
  t.true(await page.getByRole('heading', { name: 'till-1' }).isVisible());
  await checkPage(t, page, 'unreachable');
  const gateway = await Gateway.open(shop.options);
  shop.closing.teardown(() => gateway.close());
  await page.getByRole('status').getByText('live').waitFor();
  await press(page, 'Send');
  await page.getByRole('link', { name: 'on its way' }).waitFor();
  await page.getByText('HF_GATEWAY_UNREACHABLE').first().waitFor({ state: 'detached' });
}

/** The pages of a gateway that a proxy has below a path of its own. */
async function goBelow(page: Page, httpUrl: string): Promise<void> {
  await page.route('**/holdfast/**', async (route) => {
    const url = route.request().url().replace('/holdfast/', '/');
    if (url.endsWith('/api/events')) return route.abort();
    return route.fulfill({ response: await route.fetch({ url }) });
  });
  await page.goto(`${httpUrl}/holdfast/`);
  await page.getByRole('row', { name: /till-1/ }).waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.goto(httpUrl);
  await page.getByRole('row', { name: /till-1/ }).waitFor();
}

/** The page runs what its gateway serves, and nothing else. */
export async function checkPolicy(t: ExecutionContext, { gateway, browser }: Shop): Promise<void> {
  const page = await browser.newPage();
  const kept = page.waitForEvent('requestfailed');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).origin));
  const response = await page.goto(gateway.httpUrl);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  t.deepEqual([...new Set(asked)], [gateway.httpUrl], 'nobody else is asked for anything');
  await page.evaluate(
    "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2:1/' }))",
  );
  const { 'content-security-policy': policy = '' } = response?.headers() ?? {};
  t.regex(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  t.is((await kept).failure()?.errorText, 'csp');
  const script = await fetch(`${gateway.httpUrl}/main.js`, {
    headers: { 'accept-encoding': 'gzip' },
  });
  t.true(Number(script.headers.get('content-length')) < 80_000);
  // A proxy whose gateway is away answers with what ends the browser's own tries.
  await page.route('**/api/events', (route) => route.fulfill({ status: 502 }));
  await signIn(page);
  await page.getByText('no connection: trying again').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  await page.getByRole('status').getByText('live').waitFor();
  await goBelow(page, gateway.httpUrl);
  await press(page, 'Sign out');
  await page.getByLabel('Password').waitFor();
  await page.close();
}
