// npm run test:pages -- [--devices N] [--runs N]: how long the pages of the dashboard take, and for
// how long they hold up a browser, with a ledger that has a large fleet.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CDPSession, Page } from 'playwright-core';
import { Gateway } from '@holdfast/gateway';
import { openBrowser, openPage, press } from './browser.ts';
import { fillLedger } from './fleet-ledger.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '100000' },
  },
});
const size = { devices: Number(values.devices), runs: Number(values.runs) };

/**
 * How long a page may keep the processor of whoever looks busy until it is shown, and in each of
 * the seconds that follow. Time on the wall, and the longest task by it, are of everything else on
 * the machine, too: they are told, and not judged.
 */
const SHOWN_BUSY_MS_MAX = 400;
const AFTER_BUSY_MS_MAX = 50;
const AFTER_S = 6;

interface Look {
  readonly name: string;
  readonly go: (page: Page) => Promise<unknown>;
}

/**
 * Waits until the rows of a table have one of these words, and none of those. That costs the page
 * next to nothing: looking for roles and names would be most of what is counted.
 */
function rows(at: Page, table: string, has: string, lacks = 'nothing'): Promise<unknown> {
  const question = `(() => {
    const text = document.querySelector('[aria-label="${table}"] tbody')?.textContent ?? '';
    return text.includes('${has}') && !text.includes('${lacks}');
  })()`;
  return at.waitForFunction(question, undefined, { polling: 50 });
}

/** Goes to a page, and waits for a row of it. */
const pageAt = (name: string, hash: string, table: string, has: string): Look => ({
  name,
  go: async (at) => {
    await at.evaluate(`location.hash = '${hash}'`);
    await rows(at, table, has);
  },
});

const looks: readonly Look[] = [
  pageAt('fleet', '#/', 'Devices', 'pump-'),
  {
    name: 'find a device',
    go: async (at) => {
      await at.locator('input[type=search]').fill('09999');
      await rows(at, 'Devices', 'pump-09999', 'pump-00');
    },
  },
  {
    name: 'all, by name',
    go: async (at) => {
      await at.locator('input[type=search]').fill('');
      await at.locator('main select').selectOption('by name');
      await rows(at, 'Devices', 'pump-00000');
      await at.locator('main button', { hasText: 'Next' }).click();
      await rows(at, 'Devices', 'pump-00200', 'pump-00199');
    },
  },
  {
    name: 'by keys',
    go: async (at) => {
      await at.keyboard.press('Control+k');
      await at.keyboard.type('pump-07777');
      await at.locator('#found-0', { hasText: 'pump-07777' }).waitFor();
      await at.keyboard.press('Escape');
    },
  },
  pageAt('one device', '#/devices/pump-00017', 'Runs', 'run-'),
  pageAt('runs', '#/runs', 'Runs', 'run-'),
  {
    name: 'older runs',
    go: async (at) => {
      const first = (await at.locator('tbody tr td').first().textContent()) ?? '';
      await at.locator('main button', { hasText: 'Next' }).click();
      await rows(at, 'Runs', 'run-', first);
    },
  },
  {
    name: 'failed runs',
    go: async (at) => {
      await at.locator('main select').selectOption('failed');
      await rows(at, 'Runs', 'failed', 'completed');
    },
  },
  {
    name: 'attention',
    go: async (at) => {
      await at.evaluate("location.hash = '#/attention'");
      await at.locator('.panel').first().waitFor();
    },
  },
  pageAt('ledger', '#/ledger', 'Entries of all devices', 'step.completed'),
];

/** Tasks of the page that took longer than a frame or three, since the last question. */
const observe = `
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))
    .observe({ type: 'longtask' });`;

/** Time that the page has kept its main thread busy since it was opened: scripts and layout. */
async function busyMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  const seconds = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  return seconds * 1_000;
}

async function measure(page: Page, session: CDPSession, { name, go }: Look): Promise<boolean> {
  await page.evaluate('window.tasks = []');
  const [from, before] = [performance.now(), await busyMs(session)];
  await go(page);
  const [tookMs, shown] = [performance.now() - from, await busyMs(session)];
  // It goes on asking: that must not hold up whoever reads.
  await page.waitForTimeout(AFTER_S * 1_000);
  const afterMs = ((await busyMs(session)) - shown) / AFTER_S;
  const tasks = await page.evaluate<readonly number[]>('window.tasks');
  const longest = Math.max(0, ...tasks);
  const isFluid = shown - before <= SHOWN_BUSY_MS_MAX && afterMs <= AFTER_BUSY_MS_MAX;
  process.stdout.write(
    [
      `${isFluid ? '✓' : '✗'} ${name.padEnd(16)}`,
      `busy ${(shown - before).toFixed(0)} ms until shown (${tookMs.toFixed(0)} ms on the wall)`,
      `${afterMs.toFixed(0)} ms a second after`,
      `longest task ${longest.toFixed(0)} ms\n`,
    ].join(' · '),
  );
  return isFluid;
}

async function signIn(page: Page, gateway: Gateway): Promise<void> {
  const token = (await readFile(gateway.tokenFile, 'utf8')).trim();
  await fetch(`${gateway.httpUrl}/api/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ola', role: 'admin', password: 'correct horse battery' }),
  });
  await page.goto(gateway.httpUrl);
  await page.getByLabel('User').fill('ola');
  await page.getByLabel('Password').fill('correct horse battery');
  await press(page, 'Sign in');
  await page.evaluate(observe);
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-pages-'));
  const options = { dataDir, mqttPort: 0, httpPort: 0 };
  await (await Gateway.open(options)).close();
  const from = performance.now();
  await fillLedger(join(dataDir, 'ledger'), size);
  const seconds = ((performance.now() - from) / 1_000).toFixed(1);
  process.stdout.write(`${size.devices} devices, ${size.runs} runs: filled in ${seconds} s\n`);
  const gateway = await Gateway.open(options);
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser);
    await signIn(page, gateway);
    const session = await page.context().newCDPSession(page);
    // Of the thread itself: what else the machine does is no time of the page.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    for (const look of looks) if (!(await measure(page, session, look))) process.exitCode = 1;
  } finally {
    await browser.close();
    await gateway.close();
    await rm(dataDir, { recursive: true });
  }
}

await main();
