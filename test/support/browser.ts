import { createRequire } from 'node:module';
import { join } from 'node:path';
import { env } from 'node:process';
import type { ExecutionContext } from 'ava';
import { chromium, type Browser, type Page } from 'playwright-core';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
  });
}

export interface Watched {
  readonly page: Page;
  /** What its console said, and what nothing in it has caught. */
  readonly complaints: readonly string[];
}

/** A page in a context of its own, with what its console says. */
export async function openPage(browser: Browser): Promise<Watched> {
  // The script that looks at pages is no part of them: the policy would keep it out.
  const context = await browser.newContext({ bypassCSP: true });
  await context.addInitScript({ path: axe });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // What the API refuses, the browser tells of by itself.
    const isRefused = /status of 4\d\d/.test(message.text());
    if (message.type() === 'error' && !isRefused) complaints.push(message.text());
  });
  return { page, complaints };
}

/** Nothing that people who see or move otherwise stumble over, wide and narrow, light and dark. */
export async function checkPage(t: ExecutionContext, page: Page, name: string): Promise<void> {
  const folder = env['SCREENSHOTS'];
  for (const [width, scheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
    const isWiderThanScreen = await page.evaluate('document.body.scrollWidth > innerWidth');
    t.false(isWiderThanScreen, `${name} fits into ${width}`);
    const violations = await page.evaluate(
      'axe.run().then((all) => all.violations.map((one) => `${one.id}: ${one.nodes[0].html}`))',
    );
    t.deepEqual(violations, [], `${name} at ${width}`);
  }
}

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();
