import { formatCount, formatDuration, type Cell, type Column, type Tone } from '@holdfast/protocol';
import type { CallState } from '../core/call.ts';
import type { CallsView, CallView, ServicesView, ServiceView } from '../core/call-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { ago, brief, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';
import { watch, type WatchFlag } from './watch.ts';

export interface CallListOptions extends SourceOptions {
  readonly state: CallState;
  readonly service?: string;
  readonly after?: string;
  readonly limit: number;
  readonly watch?: WatchFlag;
}

export interface UnparkOptions extends SourceOptions {
  /** All of the service. */
  readonly all?: true;
  readonly reason?: string;
}

const columns: readonly Column[] = [
  { title: 'service' },
  { title: 'number', align: 'right' },
  { title: 'device' },
  { title: 'run', drop: 2 },
  { title: 'asked', drop: 1 },
  { title: 'parked' },
  { title: 'attempts', align: 'right', drop: 3 },
  { title: 'why', cutTo: 20 },
];

/** Shows calls that wait: by default those that wait for a person. */
export async function callList(options: CallListOptions, terminal: Terminal): Promise<void> {
  const { state, service, after, limit } = options;
  const query = { state, service, after, limit };
  const read = () => withFleet(options, (fleet) => fleet.calls(query));
  const text = (view: CallsView, at: Terminal) => callsText(view, state, at);
  if (options.watch !== undefined) return watch(terminal, options.watch, { read, text });
  const view = await read();
  show(terminal, view, () => text(view, terminal));
}

function callsText({ calls, next }: CallsView, state: CallState, terminal: Terminal): string {
  if (calls.length === 0) return `No call is ${state}.`;
  const rows = calls.map((call) => callRow(call, terminal));
  const text = table(terminal, columns, rows);
  return next === null ? text : `${text}\nMore: --after ${next}`;
}

function callRow(call: CallView, terminal: Terminal): Cell[] {
  const { service, number, device, run, requestedAt, parked } = call;
  const why = parked?.code === null || parked === null ? parked?.why : parked.code;
  return [
    service,
    String(number),
    { text: device, tone: 'cyan' },
    brief(run, 24),
    ago(terminal, requestedAt),
    parked === null ? '-' : ago(terminal, parked.at),
    parked === null ? '-' : formatCount(parked.attempts),
    brief(why, 60),
  ];
}

const serviceColumns: readonly Column[] = [
  { title: 'service' },
  { title: 'handler' },
  { title: 'pending', align: 'right' },
  { title: 'running', align: 'right' },
  { title: 'parked', align: 'right' },
];

/** Shows each service: whether it is there, and how many calls wait for it. */
export async function callServices(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withFleet(options, (fleet) => fleet.services());
  show(terminal, view, () => servicesText(view, terminal));
}

function servicesText({ services }: ServicesView, terminal: Terminal): string {
  if (services.length === 0) return 'No service has a handler, and no call waits for one.';
  return table(terminal, serviceColumns, services.map(serviceRow));
}

const tones: Readonly<Record<string, Tone>> = { closed: 'green', open: 'red' };

function serviceRow({ service, pending, parked, here }: ServiceView): Cell[] {
  return [
    { text: service, tone: 'cyan' },
    handlerCell(here),
    formatCount(pending),
    here === null ? '-' : formatCount(here.running),
    parked > 0 ? { text: formatCount(parked), tone: 'red' } : '0',
  ];
}

function handlerCell(here: ServiceView['here']): Cell {
  if (here === null) return { text: 'none', tone: 'yellow' };
  const { breaker, pausedMs } = here;
  const word = { closed: 'ready', open: 'left alone', 'half-open': 'tried again' }[breaker];
  const text = pausedMs > 0 ? `${word} for ${formatDuration(pausedMs)}` : word;
  return { text, tone: tones[breaker] ?? 'yellow' };
}

/** Has parked calls executed again. */
export async function callRequeue(
  which: readonly [service: string, number: number | undefined],
  options: UnparkOptions,
  terminal: Terminal,
): Promise<void> {
  const query = queryOf(which, options);
  const view = await withFleet(options, (fleet) => fleet.requeueCalls(query));
  show(terminal, view, () => `✓ requeued ${callsWord(view.calls)} of ${view.service}.`);
}

/** Has parked calls fail on their devices. */
export async function callFail(
  which: readonly [service: string, number: number | undefined],
  options: UnparkOptions,
  terminal: Terminal,
): Promise<void> {
  const query = { ...queryOf(which, options), reason: options.reason ?? '' };
  const view = await withFleet(options, (fleet) => fleet.failCalls(query));
  show(terminal, view, () => `✓ failed ${callsWord(view.calls)} of ${view.service}.`);
}

function queryOf(
  [service, number]: readonly [service: string, number: number | undefined],
  { all }: UnparkOptions,
) {
  if ((number === undefined) !== (all === true)) {
    throw usage('give the number of the call, as `call ls` shows it, or --all');
  }
  return { service, number };
}

function callsWord(count: number): string {
  return count === 1 ? '1 call' : `${formatCount(count)} calls`;
}
