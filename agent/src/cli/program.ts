import {
  checkLevels,
  HELP_WIDTH,
  HoldfastError,
  messageOf,
  nameMeant,
  parserText,
  reflow,
  typedArgs,
} from '@holdfast/protocol/base';
import { Command, CommanderError } from 'commander';
import { agentVersion } from '../agent-version.ts';
import type { Shell } from './shell.ts';

const about = `
Commands that read work with the agent stopped too, given --data-dir; with --socket beside it that
is asked first. The beginning of a command's name stands for it, and --json for -o json; of an
option that is given twice the last one counts. \`holdfast gateway …\` and \`holdfast sim …\` run
these programs, where they are installed.

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 no agent answers, 6 conflict,
7 timed out, 8 doctor found something, 78 bad configuration, 130 interrupted.

Examples:
  holdfast run --data-dir ./data --device pump-1 --code ./flows.js --gateway mqtt://gw:1883
  export HOLDFAST_DATA_DIR=./data
  holdfast start checkout --input '{"id":"A-1"}' --id A-1
  holdfast status
  holdfast wait --run A-1 --timeout 30s
`;

type Add = (program: Command, shell: Shell) => void;

/** In the order of the help. Each is loaded when it is needed: the start is felt every time. */
const commands: Readonly<Record<string, () => Promise<Add>>> = {
  run: async () => (await import('./run.ts')).addRun,
  start: async () => (await import('./start.ts')).addStart,
  status: async () => (await import('./status.ts')).addStatus,
  backlog: async () => (await import('./backlog.ts')).addBacklog,
  workflow: async () => (await import('./workflow.ts')).addWorkflow,
  journal: async () => (await import('./journal.ts')).addJournal,
  store: async () => (await import('./store.ts')).addStore,
  schedule: async () => (await import('./schedule.ts')).addSchedule,
  wait: async () => (await import('./wait.ts')).addWait,
  signal: async () => (await import('./signal.ts')).addSignal,
  cancel: async () => (await import('./cancel.ts')).addCancel,
  retry: async () => (await import('./workflow-hold.ts')).addWorkflowRetry,
  fork: async () => (await import('./workflow-fork.ts')).addWorkflowFork,
  complete: async () => (await import('./complete.ts')).addComplete,
  emit: async () => (await import('./emit.ts')).addEmit,
  erase: async () => (await import('./erase.ts')).addErase,
  enroll: async () => (await import('./enroll.ts')).addEnroll,
  nudge: async () => (await import('./nudge.ts')).addNudge,
  top: async () => (await import('./top.ts')).addTop,
  logs: async () => (await import('./logs.ts')).addLogs,
  metrics: async () => (await import('./metrics.ts')).addMetrics,
  diag: async () => (await import('./diag.ts')).addDiag,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  check: async () => (await import('./check.ts')).addCheck,
  context: async () => (await import('./context.ts')).addContext,
  config: async () => (await import('./config.ts')).addConfig,
  explain: async () => (await import('./explain.ts')).addExplain,
  completion: async () => {
    const { addCompletion } = await import('./completion.ts');
    return (program, shell) => addCompletion(program, shell, () => createProgram(shell, []));
  },
  version: async () => (await import('./version.ts')).addVersion,
};

/**
 * The command line of the device. Its actions throw; what they throw names the exit code.
 *
 * @param args What it is to parse: only the command that they name is there, or all.
 */
export async function createProgram(shell: Shell, args: readonly string[]): Promise<Command> {
  const program = new Command('holdfast')
    .description('Durable workflows on a device that goes offline.')
    .version(agentVersion, '-V, --version', 'print the version')
    .option('--debug', 'show where an error comes from')
    .configureHelp({ minWidthToWrap: 20 })
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.write(reflow(text, HELP_WIDTH)),
      writeErr: () => undefined,
    })
    .addHelpText('after', about);
  const name = namedIn(args);
  const named = name === undefined ? Object.values(commands) : [commands[name]];
  for (const load of named) (await load?.())?.(program, shell);
  return program;
}

/** The command that a line is about; `undefined`: none of them. @throws HF_USAGE */
function namedIn(args: readonly string[]): string | undefined {
  const [word = ''] = args.filter((arg) => arg !== '--debug');
  return nameMeant(Object.keys(commands), word);
}

/** What is done to runs all the time is a command of its own, and may be typed like the rest. */
const ownCommands: ReadonlySet<string> = new Set(['start', 'signal', 'cancel']);

function withoutNoun(args: readonly string[]): readonly string[] {
  const [noun, verb = ''] = args;
  return noun === 'workflow' && ownCommands.has(verb) ? args.slice(1) : args;
}

/** Does what the command line says; what fails is told there, and names the exit code. */
export async function runProgram(shell: Shell, typed: readonly string[]): Promise<void> {
  const args = withoutNoun(typed);
  let isCheck = false;
  try {
    isCheck = namedIn(args) === 'check';
    const program = await createProgram(shell, args);
    await program.parseAsync(typedArgs(program, args, shell), { from: 'user' });
  } catch (error) {
    const failure = usageError(error);
    if (failure === undefined) return;
    // Other exit codes mean something else to a monitoring system, which reads stdout only.
    if (isCheck) shell.print(`HOLDFAST UNKNOWN - ${messageOf(failure)}`);
    shell.fail(failure, isCheck ? checkLevels.indexOf('UNKNOWN') : undefined);
  }
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
  return new HoldfastError('HF_USAGE', { why: parserText(error.message) });
}
