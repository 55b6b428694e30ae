import {
  isTableAlone,
  renderTable,
  type Cell,
  type Column,
  type TableFlags,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { SchedulesView, ScheduleView } from '../core/schedule-views.ts';
import type { Screen } from './link-line.ts';
import { isJson, tableFormatOption, type TableFormat } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTable, withTable } from './table-options.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags, TableFlags {
  readonly output?: TableFormat;
}

const about = `
A schedule is inactive when no running code has it. One that waits for the time starts nothing
until the clock of the device can be believed.

Examples:
  holdfast schedule ls
  holdfast schedule ls -o json
`;

export function addScheduleLs(parent: Command, shell: Shell): void {
  addTable(addTarget(parent.command('ls')))
    .description('List the schedules of the device.')
    .addOption(tableFormatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const view = await readAgent(shell, flags, (agent) => agent.schedules());
      const screen = withTable(shell, flags);
      shell.print(isJson(flags.output) ? JSON.stringify(view) : schedulesScreen(view, screen));
    });
}

const columns: readonly Column[] = [
  { title: 'schedule' },
  { title: 'cron' },
  { title: 'timezone', drop: 2 },
  { title: 'state' },
  { title: 'next' },
  { title: 'last run', drop: 3 },
  { title: 'waiting', align: 'right', drop: 1 },
];

/** Schedules as a table, without a final line end. */
export function schedulesScreen({ schedules }: SchedulesView, screen: Screen): string {
  if (schedules.length === 0 && !isTableAlone(screen.table)) {
    return 'No schedules. `export const schedules` in the code has them.';
  }
  const rows = schedules.map((schedule): Cell[] => [
    { text: schedule.id, tone: 'cyan' },
    schedule.cron,
    schedule.timezone,
    { text: schedule.state, tone: tones[schedule.state] },
    schedule.nextAt ?? '-',
    schedule.lastRun ?? '-',
    schedule.buffered === 0 ? '-' : String(schedule.buffered),
  ]);
  return renderTable(columns, rows, screen);
}

const tones = {
  active: 'green',
  paused: 'yellow',
  'waiting-for-time': 'yellow',
  inactive: 'dim',
} as const satisfies Record<ScheduleView['state'], string>;
