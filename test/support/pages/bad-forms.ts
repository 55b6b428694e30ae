import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { goTo } from './walk.ts';

interface Form {
  readonly hash: string;
  readonly tab?: string;
  /** Heading of its part of the page. */
  readonly part?: string;
  /** What is typed, by its label. */
  readonly fields: Readonly<Record<string, string>>;
  /** Nothing is pressed where what is typed is taken at once. */
  readonly button?: string;
  readonly says: RegExp;
}

const script = '<script>alert(1)</script>';
const long = 'x'.repeat(20_000);

/** What is wrong, contradictory, hostile or enormous, typed into every form. */
const forms: readonly Form[] = [
  { hash: '#/', fields: { 'Find a device': script }, says: /No device is like this/ },
  { hash: '#/', fields: { 'With tags': `a=${long}` }, says: /HF_/ },
  { hash: '#/', fields: { 'With tags': script }, says: /Tags are written as/ },
  { hash: '#/', fields: { 'With tags': `a=b=${script}` }, says: /No device is like this/ },
  {
    ...{ hash: '#/runs', button: 'Find runs', says: /No run is like this/ },
    fields: { Workflow: script },
  },
  {
    ...{ hash: '#/runs', button: 'Find runs', says: /HF_/ },
    fields: { Device: '../../etc/passwd' },
  },
  {
    ...{ hash: '#/ledger', button: 'Find entries', says: /No entry is like this|HF_/ },
    fields: { Device: 'nobody', Kind: script },
  },
  {
    ...{ hash: '#/devices/till-1', tab: 'Commands', button: 'Send', says: /is not JSON/ },
    fields: { Workflow: script, 'Input, JSON': '{"a": undefined}' },
  },
  {
    ...{ hash: '#/devices/till-1', tab: 'Commands', button: 'Send', says: /HF_/ },
    fields: { Workflow: long, 'Input, JSON': '1' },
  },
  {
    ...{ hash: '#/devices/till-1', tab: 'Commands', button: 'Send', says: /HF_/ },
    fields: { Workflow: 'sale', 'Input, JSON': JSON.stringify(long.repeat(20)) },
  },
  {
    ...{ hash: '#/enrolment', part: 'Tokens', button: 'Make a token', says: /HF_/ },
    fields: { 'Device, if it is one': 'a b', 'Tags for them': `a=${script}` },
  },
  {
    ...{ hash: '#/enrolment', part: 'A device that shows a code', button: 'Let it in' },
    ...{ fields: { Code: '<b>1</b>', 'Words that it shows': script }, says: /HF_/ },
  },
  {
    ...{ hash: '#/settings', part: 'Users', button: 'Add a user', says: /HF_/ },
    fields: { Name: long, Password: 'correct horse battery staple' },
  },
  {
    ...{ hash: '#/settings', part: 'API tokens', button: 'Make a token', says: /HF_/ },
    fields: { Name: long },
  },
  {
    ...{ hash: '#/settings', part: 'Webhooks', button: 'Add a webhook', says: /HF_WEBHOOK_TARGET/ },
    fields: { Endpoint: 'ftp://127.0.0.1/', 'Kinds of entries': script },
  },
];

/** Each is refused in words, and keeps what was typed. */
export async function fillBadForms(t: ExecutionContext, page: Page): Promise<void> {
  for (const form of forms) {
    const { hash, tab, part, fields, button, says } = form;
    const name = `${hash} ${Object.keys(fields).join()}`;
    // Another page, so that it begins anew.
    await goTo(page, '#/nowhere');
    await page.getByText('There is no page here').waitFor();
    await goTo(page, hash);
    if (tab !== undefined) await page.getByRole('tab', { name: tab }).click();
    const main = page.locator('main');
    const within =
      part === undefined
        ? main
        : main.locator('section').filter({ has: page.getByRole('heading', { name: part }) });
    const typed = new Map<string, string>();
    for (const [label, text] of Object.entries(fields)) {
      const field = within.getByLabel(label).first();
      await field.fill(text);
      typed.set(label, await field.inputValue());
    }
    if (button !== undefined) await within.getByRole('button', { name: button }).click();
    await main.getByText(says).first().waitFor();
    for (const [label, text] of typed) {
      t.is(await within.getByLabel(label).first().inputValue(), text, `${name}: ${label}`);
    }
    t.is(await main.locator('script').count(), 0, name);
    t.false((await main.textContent())?.includes('    at ') ?? true, `${name}: no stack`);
  }
}
