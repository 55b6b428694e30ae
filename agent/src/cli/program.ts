import { HoldfastError } from '@holdfast/protocol';
import { Command, CommanderError } from 'commander';
import { addBacklog } from './backlog.ts';
import { addCancel } from './cancel.ts';
import { addExplain } from './explain.ts';
import { addJournalTail } from './journal-tail.ts';
import { addJournalVerify } from './journal-verify.ts';
import { addRun } from './run.ts';
import type { Shell } from './shell.ts';
import { addSignal } from './signal.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addVersion } from './version.ts';
import { addWait } from './wait.ts';
import { addWorkflowLs } from './workflow-ls.ts';
import { addWorkflowShow } from './workflow-show.ts';

const about = `
Commands that read work with the agent stopped too, given --data-dir.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 no agent answers, 6 conflict,
7 timed out, 78 bad configuration, 130 interrupted.

Examples:
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js --gateway mqtt://gw:1883
  export HOLDFAST_DATA_DIR=./data
  holdfast start checkout --input '{"id":"A-1"}' --id A-1
  holdfast status
  holdfast wait --run A-1 --timeout 30s
`;

/** The command line of the device. Its actions throw; what they throw names the exit code. */
export function createProgram(shell: Shell): Command {
  const program = new Command('holdfast')
    .description('Durable workflows on a device that goes offline.')
    .option('--debug', 'show where an error comes from')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeOut: (text) => shell.write(text), writeErr: () => undefined })
    .addHelpText('after', about);
  addRun(program, shell);
  addStart(program, shell);
  addStatus(program, shell);
  addBacklog(program, shell);
  const workflow = program.command('workflow').description('Look at runs of workflows.');
  addWorkflowLs(workflow, shell);
  addWorkflowShow(workflow, shell);
  const journal = program.command('journal').description('Look at the journal.');
  addJournalTail(journal, shell);
  addJournalVerify(journal, shell);
  addWait(program, shell);
  addSignal(program, shell);
  addCancel(program, shell);
  addExplain(program, shell);
  addVersion(program, shell);
  return program;
}

/**
 * What the parser found wrong, as an error of ours. Everything else is returned as it is;
 * `undefined`: help was asked for and has been printed.
 */
export function usageError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help') {
    return new HoldfastError('HF_USAGE', { why: 'a command is missing' });
  }
  const why = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean ([^?]*)\?\)/, '; did you mean $1?');
  return new HoldfastError('HF_USAGE', { why });
}
