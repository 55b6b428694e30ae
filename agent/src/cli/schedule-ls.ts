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
import { addTarget, readAgent, withAgent, type TargetFlags } from './target.ts';
import { watchAgain, watchedFormat, watchInterval, watchOption, type WatchFlag } from './watch.ts';

interface Flags extends TargetFlags, TableFlags {
  readonly output?: TableFormat;
  readonly watch?: WatchFlag;
}

const about = `
A schedule is inactive when no running code has it. One that waits for the time starts nothing
until the clock of the device can be believed.

Examples:
  holdfast schedule ls
  holdfast schedule ls -o json
  holdfast schedule ls --watch=10s
`;

export function addScheduleLs(parent: Command, shell: Shell): void {
  addTable(addTarget(parent.command('ls')))
    .description('List the schedules of the device.')
    .addOption(tableFormatOption())
    .addOption(watchOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const screen = withTable(shell, flags);
      if (flags.watch !== undefined) return watchSchedules(shell, flags, flags.watch);
      const view = await readAgent(shell, flags, (agent) => agent.schedules());
      shell.print(isJson(flags.output) ? JSON.stringify(view) : schedulesScreen(view, screen));
    });
}

function watchSchedules(shell: Shell, flags: Flags, watch: WatchFlag): Promise<void> {
  const screen = withTable(shell, flags);
  return withAgent(shell, flags, (agent) =>
    watchAgain(
      shell,
      {
        read: () => agent.schedules(),
        screen: (view) => schedulesScreen(view, screen),
        line: (view) => schedulesScreen(view, screen),
      },
      { intervalMs: watchInterval(watch), output: watchedFormat(flags.output) },
    ),
  );
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
