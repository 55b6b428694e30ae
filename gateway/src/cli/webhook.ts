import { readFile } from 'node:fs/promises';
import { formatCount, messageOf, type Cell, type Column } from '@holdfast/protocol';
import type { DeadEventsView, WebhooksView, WebhookView } from '../core/out/webhook-views.ts';
import { readTags } from './command-issue.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { ago, brief, table } from './tables.ts';
import { note, show, type Terminal } from './terminal.ts';

export interface WebhookAddOptions extends SourceOptions {
  readonly device?: readonly string[];
  readonly tag?: readonly string[];
  readonly workflow?: readonly string[];
  readonly kind?: readonly string[];
  readonly personal?: true;
  readonly fromStart?: true;
  readonly secretFile?: string;
}

/** Has the gateway tell an endpoint of entries, and prints the secret, this once. */
export async function webhookAdd(
  url: string,
  options: WebhookAddOptions,
  terminal: Terminal,
): Promise<void> {
  const { device = [], tag = [], workflow = [], kind = [], personal, fromStart } = options;
  const filter = { devices: device, tags: readTags(tag), workflows: workflow, kinds: kind };
  const secret = await readSecret(options.secretFile);
  const order = { url, filter, personal: personal === true, fromStart: fromStart === true, secret };
  const view = await withFleet(options, (fleet) => fleet.addWebhook({ ...order, by: 'local' }));
  // Alone on stdout, so that it can go to a file.
  show(terminal, view, () => view.secret);
  const advice = 'Verify its signatures with the secret: it is not shown again.';
  note(terminal, `Webhook ${view.id}. ${advice}`);
}

async function readSecret(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw usage(`--secret-file cannot be read: ${messageOf(error)}`);
  }
}

const columns: readonly Column[] = [
  { title: 'webhook' },
  { title: 'state' },
  { title: 'url' },
  { title: 'of', drop: 2 },
  { title: 'delivered', drop: 1 },
  { title: 'not taken', align: 'right' },
  { title: 'why', cutTo: 20 },
];

export async function webhookLs(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.webhooks());
  show(terminal, view, () => webhooksText(view, terminal));
}

function webhooksText({ webhooks }: WebhooksView, terminal: Terminal): string {
  if (webhooks.length === 0) return 'There are no webhooks.';
  const rows = webhooks.map((each) => webhookRow(each, terminal));
  return table(terminal, columns, rows);
}

function webhookRow(webhook: WebhookView, terminal: Terminal): Cell[] {
  const { id, state, failingSince, filter, deliveredAt, dead, why } = webhook;
  const isWell = state === 'active' && failingSince === null;
  const word = state === 'active' && failingSince !== null ? 'failing' : state;
  const { devices, tags, workflows, kinds } = filter;
  const tagTexts = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  const of = [...devices, ...tagTexts, ...workflows, ...kinds].join(' ');
  return [
    { text: id, tone: 'cyan' },
    { text: word, tone: isWell ? 'green' : 'red' },
    brief(webhook.url, 48),
    brief(of === '' ? 'all' : of, 32),
    ago(terminal, deliveredAt),
    dead > 0 ? { text: formatCount(dead), tone: 'red' } : '0',
    brief(why, 60),
  ];
}

/** Sends an event that says nothing; exit code 1 where it is not taken. */
export async function webhookTest(
  id: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<boolean> {
  const view = await withFleet(options, (fleet) => fleet.testWebhook(id));
  show(terminal, view, () =>
    view.outcome === 'taken' ? `✓ ${id} took it.` : `✗ ${id} did not take it: ${view.why}.`,
  );
  return view.outcome === 'taken';
}

export async function webhookEnable(
  id: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.enableWebhook(id));
  show(terminal, view, () => `✓ ${id} is told again, from where it was.`);
}

export async function webhookRemove(
  id: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.removeWebhook(id));
  show(terminal, view, () => `✓ ${id} is told nothing any more.`);
}

export interface DeadOptions extends SourceOptions {
  readonly after?: string;
  readonly limit: number;
}

const deadColumns: readonly Column[] = [
  { title: 'event' },
  { title: 'when', drop: 1 },
  { title: 'attempts', align: 'right', drop: 2 },
  { title: 'status', align: 'right' },
  { title: 'why', cutTo: 20 },
];

export async function webhookDead(
  id: string,
  options: DeadOptions,
  terminal: Terminal,
): Promise<void> {
  const { after, limit } = options;
  const view = await withFleet(options, (fleet) => fleet.deadEvents({ id, after, limit }));
  show(terminal, view, () => deadText(view, terminal));
}

function deadText({ events, next }: DeadEventsView, terminal: Terminal): string {
  if (events.length === 0) return 'It took everything.';
  const rows = events.map(({ event, at, attempts, status, why, queued }): Cell[] => [
    { text: event, tone: 'cyan' },
    ago(terminal, at),
    String(attempts),
    String(status ?? '-'),
    brief(queued ? `is sent again: ${why}` : why, 80),
  ]);
  const text = table(terminal, deadColumns, rows);
  return next === null ? text : `${text}\nMore: --after ${next}`;
}

export interface RequeueOptions extends SourceOptions {
  readonly event?: string;
}

export async function webhookRequeue(
  id: string,
  options: RequeueOptions,
  terminal: Terminal,
): Promise<void> {
  const { event } = options;
  const view = await withFleet(options, (fleet) => fleet.requeueEvents({ id, event }));
  show(terminal, view, () => `✓ requeued ${formatCount(view.events)} events of ${id}.`);
}
