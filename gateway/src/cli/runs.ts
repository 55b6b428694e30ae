import {
  countCell,
  isTableAlone,
  type Cell,
  type Column,
  type TableFlags,
  type Tone,
} from '@holdfast/protocol';
import type { RunsView, RunView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { ago, below, brief, problemLines, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';
import { watch, type WatchFlag } from './watch.ts';

export interface RunsOptions extends SourceOptions, TableFlags {
  readonly watch?: WatchFlag;
  readonly device?: string;
  readonly state?: readonly string[];
  readonly workflow?: string;
  readonly before?: string;
  readonly limit: number;
}

export async function runs(options: RunsOptions, terminal: Terminal): Promise<void> {
  const { device, state, workflow, before, limit } = options;
  const query = { device, state, workflow, before, limit };
  const read = () => withFleet(options, (fleet) => fleet.runs(query));
  if (options.watch !== undefined) return watch(terminal, options.watch, { read, text: runsText });
  const view = await read();
  show(terminal, view, () => runsText(view, terminal));
}

const columns: readonly Column[] = [
  { title: 'run' },
  { title: 'device', drop: 1 },
  { title: 'workflow' },
  { title: 'state' },
  { title: 'updated' },
  { title: 'started', drop: 2 },
  { title: 'entries', align: 'right', drop: 3 },
  { title: 'status', drop: 4, cutTo: 16 },
  { title: 'reason', drop: 5, cutTo: 16 },
];

const STATUS_LENGTH = 60;

const stateTones: Readonly<Record<string, Tone>> = {
  completed: 'green',
  failed: 'red',
  stuck: 'red',
  retrying: 'yellow',
};

function runsText(view: RunsView, terminal: Terminal): string {
  if (view.runs.length === 0 && !isTableAlone(terminal.table)) {
    const none = view.next === null ? 'No runs have arrived.' : `None yet: ${older(view.next)}`;
    return [none, ...problemLines(terminal, view.problems)].join('\n');
  }
  const rows = view.runs.map((run) => runRow(run, terminal));
  const foot = [
    ...(view.next === null ? [] : [`Older ones: ${older(view.next)}`]),
    ...problemLines(terminal, view.problems),
  ];
  return [table(terminal, columns, rows), ...below(terminal, foot)].join('\n');
}

function older(next: string): string {
  return `add --before ${next}`;
}

function reasonText(reason: RunView['reason']): string {
  const { code = null, step = null } = reason ?? {};
  const parts = [code, step === null ? null : `at ${step}`];
  return parts.filter((part) => part !== null).join(' ');
}

function runRow(run: RunView, terminal: Terminal): Cell[] {
  const tone = stateTones[run.state];
  return [
    { text: run.id, tone: 'cyan' },
    run.device,
    run.workflow,
    tone === undefined ? run.state : { text: run.state, tone },
    ago(terminal, run.updatedAt),
    ago(terminal, run.startedAt),
    countCell(run.entries),
    brief(run.status, STATUS_LENGTH),
    reasonText(run.reason),
  ];
}
