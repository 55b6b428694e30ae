import type { ExecutionContext } from 'ava';
import type { Page, Route } from 'playwright-core';
import { checkPage } from '../browser.ts';
import { goTo, type Walk } from './walk.ts';
import { large } from './shop.ts';

const STEPS = 10_000;
const FROM_MS = Date.parse('2026-03-01T12:00:00Z');

interface Device {
  readonly lanes: readonly object[];
}

/** An entry of the run by its seq: it begins, takes so many steps, and ends. */
function entryAt(seq: number): object {
  const at = new Date(FROM_MS + seq * 250).toISOString();
  const place = { lane: 'normal', epoch: 1, seq, receivedAt: at, bytes: 60 };
  const of = { ...place, at, run: 'L-1', n: seq - 1 };
  if (seq === 1) return { ...of, kind: 'run.started', op: 0, uid: 'u-1', input: { steps: STEPS } };
  if (seq === STEPS + 2) return { ...of, kind: 'run.completed', op: 0, output: 'all' };
  const step = { name: `step-${seq - 1}`, attempt: 1, tookMs: 20, result: '<i>done</i>' };
  return { ...of, ...step, kind: 'step.completed', op: seq - 1 };
}

async function answerEntries(route: Route): Promise<void> {
  const { searchParams } = new URL(route.request().url());
  const [lane, after] = [searchParams.get('lane'), Number(searchParams.get('after'))];
  const limit = Math.min(Number(searchParams.get('limit')), STEPS + 2 - after);
  const entries = Array.from({ length: limit }, (_, index) => entryAt(after + index + 1));
  const view = { schema: 'holdfast.entries/1', at: '', device: 'till-1', epoch: 1, holes: [] };
  await route.fulfill({ json: { ...view, entries: lane === 'normal' ? entries : [], next: [] } });
}

/** The run of ten thousand steps that the gateway would tell of. */
async function pretend(page: Page): Promise<void> {
  await page.route('**/api/devices/till-1/entries?*', answerEntries);
  await page.route('**/api/devices/till-1', async (route) => {
    const answer = (await (await route.fetch()).json()) as Device;
    const lanes = ['urgent', 'normal', 'bulk'].map((lane) => {
      return { lane, watermark: lane === 'normal' ? STEPS + 2 : 0, head: null, acked: null };
    });
    await route.fulfill({ json: { ...answer, lanes } });
  });
  await page.route('**/api/devices/till-1/runs?*', (route) => {
    const times = { startedAt: new Date(FROM_MS + 250).toISOString(), updatedAt: null };
    const run = { id: 'L-1', device: 'till-1', workflow: 'long', state: 'completed', reason: null };
    const view = { schema: 'holdfast.fleet-runs/1', at: '', device: 'till-1', problems: [] };
    const runs = [{ ...run, ...times, status: null, clock: 'ok', entries: STEPS + 2 }];
    return route.fulfill({ json: { ...view, runs, next: null } });
  });
}

/** All of a very long run can be come to, and of it no more is drawn than is seen. */
export async function readLongRun(t: ExecutionContext, { page }: Walk): Promise<void> {
  await pretend(page);
  await goTo(page, '#/devices/till-1/runs/L-1');
  await page.getByText('10,000 operations; its steps were at work for 3m 20s.').waitFor();
  const lines = page.locator('.timeline li:not(.spacer)');
  t.true((await lines.count()) < 200);
  await page.locator('.timeline + .ends').scrollIntoViewIfNeeded();
  await page.locator('.timeline .name', { hasText: /^step-10000$/ }).click();
  t.true((await lines.count()) < 200);
  t.is(await lines.last().getAttribute('aria-posinset'), '10000');
  await page.getByText('<i>done</i>').waitFor();
  await page.getByText('u-1/10000').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
}

/** A result of a megabyte is told by its size, and is there whole for who wants it. */
export async function readLargeResult(t: ExecutionContext, { page, agent }: Walk): Promise<void> {
  await (await agent.start(large, undefined, { id: 'M-1' })).result();
  await agent.synced();
  await goTo(page, '#/devices/till-1/runs/M-1');
  await page.getByRole('button', { name: /take-picture/ }).click();
  const selected = page.getByRole('region', { name: 'Selected: take-picture' });
  await selected.getByText(/output of \d+(?:\.\d+)? .iB/).waitFor();
  const download = page.waitForEvent('download');
  await selected.getByRole('link', { name: 'All of it' }).click();
  const stream = await (await download).createReadStream();
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).byteLength;
  t.true(bytes > 1_000_000, `${bytes}`);
  await checkPage(t, page, 'large-result');
}
