import { once } from 'node:events';
import { isDeviceId } from '@holdfast/protocol';
import { tagsOf } from '../core/fleet-commands.ts';
import { textSink, type ExportFormat } from '../core/out/export-text.ts';
import { exportTo } from '../core/out/export.ts';
import { readOutId } from '../core/out/record.ts';
import { readTags } from './command-issue.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';

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
  const sink = textSink(options.format, write);
  await withFleet(options, async (fleet) => {
    const isPersonal = options.personal === true;
    // Whoever goes on has the head already.
    if (first === undefined) await sink.begin();
    await exportTo(sink, (after = first) => fleet.exportPage({ filter, isPersonal, after }));
  });
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
