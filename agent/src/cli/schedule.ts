import type { Command } from 'commander';
import type { SocketClient } from '../socket-client.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import { addScheduleLs } from './schedule-ls.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
}

/** What is done to one schedule. */
interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly about: string;
  readonly act: (agent: SocketClient, schedule: string) => Promise<object>;
  /** What has been done, in a line. */
  readonly said: (schedule: string, answer: object) => string;
}

const verbs: readonly Verb[] = [
  {
    name: 'pause',
    summary: 'Start no runs of a schedule, until it is resumed.',
    about: 'It stays paused across restarts. Runs that have begun go on.',
    act: (agent, schedule) => agent.pauseSchedule(schedule),
    said: (schedule) => `paused ${valueText(schedule)}`,
  },
  {
    name: 'resume',
    summary: 'Let a schedule go on with its next slot.',
    about: 'Slots that came while it was paused are passed over; the journal tells how many.',
    act: (agent, schedule) => agent.resumeSchedule(schedule),
    said: (schedule) => `resumed ${valueText(schedule)}`,
  },
  {
    name: 'trigger',
    summary: 'Start a run of a schedule now.',
    about: 'Refused, with exit code 6, when the schedule lets no two runs be at work.',
    act: (agent, schedule) => agent.triggerSchedule(schedule),
    said: (schedule, answer) =>
      `triggered ${valueText(schedule)}: run ${'run' in answer ? valueText(answer.run) : ''}`,
  },
];

const exampleOf = (verb: Verb): string => `holdfast schedule ${verb.name} report`;

export function addSchedule(program: Command, shell: Shell): void {
  const schedule = program.command('schedule').description('Look at schedules, and hold them.');
  addScheduleLs(schedule, shell);
  for (const verb of verbs) {
    addTarget(schedule.command(verb.name))
      .description(verb.summary)
      .argument('<schedule>', 'id of the schedule')
      .addOption(formatOption())
      .addHelpText('after', `\n${verb.about}\n\nExample:\n  ${exampleOf(verb)}\n`)
      .action(async (id: string, flags: Flags) => {
        const answer = await withAgent(shell, flags, (agent) => verb.act(agent, id));
        shell.print(flags.output === 'json' ? JSON.stringify(answer) : verb.said(id, answer));
      });
  }
}
