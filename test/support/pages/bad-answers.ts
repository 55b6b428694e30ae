import type { ExecutionContext } from 'ava';
import type { Page, Route } from 'playwright-core';
import { until } from '@holdfast/device-sim';
import { goTo } from './walk.ts';

/** What stands where the gateway was, or what has become of it. */
const answers: Readonly<Record<string, (route: Route) => Promise<void>>> = {
  'an error of a proxy': (route) =>
    route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
  'a failure of ours': (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        ...{ status: 503, code: 'HF_LEDGER_UNAVAILABLE', title: 'The ledger is away' },
        ...{ detail: 'The ledger is away: <b>disk</b>', hint: 'Wait.' },
      }),
    }),
  garbage: (route) =>
    route.fulfill({ status: 200, contentType: 'text/html', body: '\u0000<script>1</script>' }),
  'what is nobody’s of ours': (route) => route.fulfill({ json: { hello: 'world' } }),
  'what is ours, and of another shape': (route) =>
    route.fulfill({
      json: {
        ...{ schema: 'holdfast.devices/9', devices: 5, runs: 5, lanes: 'none', commands: {} },
        ...{ records: true, points: null, enrolments: 1, pairings: 'x', users: 0, next: [] },
      },
    }),
  'a connection that breaks': (route) => route.abort('connectionreset'),
  // Longer than anybody here waits.
  'nothing at all': () => new Promise(() => {}),
};

/** On every page something is said, whatever answers; and it goes on once the gateway does. */
export async function meetBadAnswers(
  t: ExecutionContext,
  page: Page,
  places: readonly (readonly [hash: string, shown: RegExp])[],
): Promise<void> {
  const main = page.locator('main');
  for (const [name, answer] of Object.entries(answers)) {
    await goTo(page, '#/nowhere');
    await main.getByText('There is no page here').waitFor();
    await page.route(isAsked, answer);
    for (const [hash] of places) {
      await goTo(page, hash);
      await main
        .getByText(/HF_|This cannot be shown|Asking/)
        .first()
        .waitFor();
      t.true(await page.locator('header').isVisible(), `${name}: ${hash}`);
      t.is(await main.locator('script, b').count(), 0, `${name}: ${hash}`);
    }
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    for (const [hash, shown] of places.slice(-1)) {
      const again = main.getByRole('button', { name: 'Try again' });
      const right = main.getByText(shown).first();
      // By itself, or where a fault is, by a press; what is never answered is given up on after a
      // while, which is tested by itself. The others are asked for anew, since all wait as long.
      if (name === 'an error of a proxy') await right.waitFor();
      else if (await again.isVisible()) await again.click();
      else {
        await goTo(page, '#/nowhere');
        await main.getByText('There is no page here').waitFor();
        await goTo(page, hash);
      }
      await right.waitFor();
      const isQuiet = async () => (await main.getByRole('alert').count()) === 0;
      await until(`nothing to be wrong any more behind ${name}`, isQuiet, 20_000);
    }
  }
}

/** What changes is told by another way, which is left as it is. */
function isAsked({ pathname }: URL): boolean {
  return /^\/(?:api|v1)\//.test(pathname) && pathname !== '/api/events';
}
