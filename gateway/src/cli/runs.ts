import { formatCount, type Cell, type Column, type Tone } from '@holdfast/protocol';
import type { RunsView, RunView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { ago, brief, problemLines, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

export interface RunsOptions extends SourceOptions {
  readonly device?: string;
  readonly limit: number;
}

export async function runs(options: RunsOptions, terminal: Terminal): Promise<void> {
  const { device, limit } = options;
  const view = await withFleet(options, (fleet) => fleet.runs({ device, limit }));
  show(terminal, view, () => runsText(view, limit, terminal));
}

const columns: readonly Column[] = [
  { title: 'run' },
  { title: 'device', drop: 1 },
  { title: 'workflow' },
  { title: 'state' },
  { title: 'updated' },
  { title: 'started', drop: 2 },
  { title: 'entries', align: 'right', drop: 3 },
  { title: 'status', drop: 4 },
];

const STATUS_LENGTH = 60;

const stateTones: Readonly<Record<string, Tone>> = {
  completed: 'green',
  failed: 'red',
  stuck: 'red',
  retrying: 'yellow',
};

function runsText(view: RunsView, limit: number, terminal: Terminal): string {
  if (view.runs.length === 0) {
    return ['No runs have arrived.', ...problemLines(terminal, view.problems)].join('\n');
  }
  const rows = view.runs.map((run) => runRow(run, terminal));
  const lines = [table(terminal, columns, rows)];
  if (rows.length === limit) lines.push(`The newest ${formatCount(limit)}; more with --limit.`);
  return [...lines, ...problemLines(terminal, view.problems)].join('\n');
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
    formatCount(run.entries),
    brief(run.status, STATUS_LENGTH),
  ];
}
