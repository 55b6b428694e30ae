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

interface View {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  /** Names of rules; all, where there are none. */
  readonly rules?: readonly string[];
}

/** What depends on colours and on the room that there is; the rest is the same in all views. */
const visual = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable'];
const views: readonly View[] = [
  { width: 1280, scheme: 'light' },
  { width: 360, scheme: 'dark', rules: visual },
];
const allViews: readonly View[] = [360, 1280, 1920].flatMap((width) => [
  { width, scheme: 'light' },
  { width, scheme: 'dark' },
]);

/**
 * Nothing that people who see or move otherwise stumble over, wide and narrow, light and dark.
 * `SCREENSHOTS=folder` keeps pictures, and looks by all rules in all views.
 */
export async function checkPage(t: ExecutionContext, page: Page, name: string): Promise<void> {
  const folder = env['SCREENSHOTS'];
  for (const { width, scheme, rules } of folder === undefined ? views : allViews) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    if (folder !== undefined) {
      await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`) });
    }
    const isWiderThanScreen = await page.evaluate('document.body.scrollWidth > innerWidth');
    t.false(isWiderThanScreen, `${name} fits into ${width}`);
    const options = JSON.stringify({
      // Nobody reads what is right, nor where it is in the page.
      ...{ resultTypes: ['violations'], selectors: false, preload: false },
      ...(rules !== undefined && { runOnly: rules }),
    });
    const violations = await page.evaluate(
      `axe.run(document, ${options})
        .then((all) => all.violations.map((one) => \`\${one.id}: \${one.nodes[0].html}\`))`,
    );
    t.deepEqual(violations, [], `${name} at ${width}, ${scheme}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();
