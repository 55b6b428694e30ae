import type { Page } from 'playwright-core';
import type { Shop } from './shop.ts';
import type { WebhookTarget } from './webhook-target.ts';

/** Somebody who goes through the pages of a shop's gateway. */
export interface Walk extends Shop {
  readonly page: Page;
  /** What its console said, and what nothing in it has caught. */
  readonly complaints: readonly string[];
  readonly target: WebhookTarget;
}

export const rowOf = (page: Page) => page.getByRole('row', { name: /till-1/ });

export const pageLink = (page: Page, name: string) =>
  page.getByRole('navigation').getByRole('link', { name, exact: true });

export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}
