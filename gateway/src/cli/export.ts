import { once } from 'node:events';
import { isDeviceId, withProgress, type OnProgress } from '@holdfast/protocol';
import { hasTags } from '../core/dispatch.ts';
import { tagsOf } from '../core/fleet-commands.ts';
import type { Fleet } from '../core/fleet-views.ts';
import { textSink, type ExportFormat } from '../core/out/export-text.ts';
import { exportTo } from '../core/out/export.ts';
import { readOutId, type OutFilter, type Sink } from '../core/out/record.ts';
import { eachDevice } from './devices.ts';
import { readTags } from './command-issue.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { createTerminal, progressBeside } from './terminal.ts';

export interface ExportOptions extends SourceOptions {
  readonly format: ExportFormat;
  readonly device?: readonly string[];
  readonly tag?: readonly string[];
  readonly workflow?: readonly string[];
  readonly kind?: readonly string[];
  readonly since?: string;
  readonly before?: string;
  readonly after?: string;
  readonly personal?: true;
}

/** Prints the entries that fit, page by page: memory does not follow how many there are. */
export async function exportEntries(options: ExportOptions): Promise<void> {
  const { device = [], tag = [], workflow = [], kind = [], after: first } = options;
  const stranger = device.find((each) => !isDeviceId(each));
  if (stranger !== undefined) throw usage(`${JSON.stringify(stranger)} cannot be a device`);
  if (first !== undefined && readOutId(first) === undefined) {
    throw usage('--after is the id of a record: device/epoch/lane/seq');
  }
  const filter = {
    ...{ devices: device, tags: tagsOf(readTags(tag)), workflows: workflow, kinds: kind },
    sinceMs: timeOf('--since', options.since),
    beforeMs: timeOf('--before', options.before),
  };
  if (filter.beforeMs > 0 && filter.sinceMs >= filter.beforeMs) {
    throw usage('--since is not before --before: nothing was received between them');
  }
  const sink = textSink(options.format, write);
  await withFleet(options, async (fleet) => {
    const isPersonal = options.personal === true;
    // Whoever goes on has the head already.
    if (first === undefined) await sink.begin();
    const total = first === undefined ? await aboutEntries(fleet, filter) : undefined;
    const place = progressBeside(createTerminal('text'));
    await withProgress(place, { what: 'exported', total }, (to) =>
      exportTo(counted(sink, to), (after = first) =>
        fleet.exportPage({ filter, isPersonal, after }),
      ),
    );
  });
}

/** How many there are, about: those of the newest lives. `undefined`: a filter picks from them. */
async function aboutEntries(fleet: Fleet, filter: OutFilter): Promise<number | undefined> {
  const { devices, tags, workflows, kinds, sinceMs, beforeMs } = filter;
  if (workflows.length + kinds.length + sinceMs + beforeMs > 0) return undefined;
  let sum = 0;
  for await (const each of eachDevice(fleet)) {
    const isMeant = devices.length === 0 || devices.includes(each.device);
    const own = Object.entries(each.tags).map(([name, value]) => ({ name, value }));
    if (isMeant && hasTags(own, tags)) sum += each.entries;
  }
  return sum;
}

function counted(sink: Sink, to: OnProgress): Sink {
  let taken = 0;
  return {
    async take(records) {
      await sink.take(records);
      taken += records.length;
      to(taken);
    },
  };
}

function timeOf(option: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const atMs = Date.parse(text);
  if (atMs > 0) return atMs;
  throw usage(`${option} is ${JSON.stringify(text)}, not a time such as 2026-03-01T12:00:00Z`);
}

/** Waits for whoever reads. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
