import type { Command } from 'commander';
import type { AboutRun, SocketClient } from '../socket-client.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  /** Absent where the command does not take it. */
  readonly reason?: string;
}

/** A command that takes a run and, at most, a reason. */
interface Verb {
  readonly description: string;
  readonly about: string;
  /** What it says once it is done, before the id of the run. */
  readonly done: string;
  readonly send: (
    agent: SocketClient,
    wish: { readonly run: string; readonly reason: string },
  ) => Promise<AboutRun>;
}

function addVerb(command: Command, shell: Shell, verb: Verb): Command {
  return addTarget(command)
    .description(verb.description)
    .argument('<run>', 'id of the run')
    .addOption(formatOption())
    .addHelpText('after', verb.about)
    .action(async (run: string, flags: Flags) => {
      const { reason = '', output } = flags;
      const sent = await withAgent(shell, flags, (agent) =>
        withRun(agent, run, (id) => verb.send(agent, { run: id, reason })),
      );
      const text = `${verb.done} ${valueText(sent.run)}`;
      shell.print(output === 'json' ? JSON.stringify(sent) : text);
    });
}

function addReason(command: Command): Command {
  return command.option('--reason <text>', 'kept in the journal', '');
}

export function addWorkflowPause(parent: Command, shell: Shell): void {
  const command = addVerb(parent.command('pause'), shell, {
    description: 'Hold a run: nothing new of it is begun.',
    about: `
A step that is at work ends. Signals and results that come are kept.

Examples:
  holdfast workflow pause order-1009 --reason 'printer is being replaced'
`,
    done: 'paused',
    send: (agent, wish) => agent.pause(wish),
  });
  addReason(command);
}

export function addWorkflowResume(parent: Command, shell: Shell): void {
  addVerb(parent.command('resume'), shell, {
    description: 'Let a run go on that was paused.',
    about: `
Examples:
  holdfast workflow resume order-1009
`,
    done: 'resumed',
    send: (agent, { run }) => agent.resume({ run }),
  });
}

export function addWorkflowRetry(parent: Command, shell: Shell): void {
  const command = addVerb(parent.command('retry'), shell, {
    description: 'Let a run go on that has failed, is stuck, or pauses between attempts.',
    about: `
A failed run goes on from the operation it failed at: what it had done before is not done
again. A stuck one tries its code again; one that pauses makes its next attempt at once.

Examples:
  holdfast workflow retry order-1009 --reason 'the terminal is back'
`,
    done: 'retrying',
    send: (agent, wish) => agent.retry(wish),
  });
  addReason(command);
}
