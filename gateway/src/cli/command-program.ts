import { Option, type Command } from 'commander';
import { outcomes } from '../core/dispatch.ts';
import { issueCommand, jsonArgument, type IssueOptions, type Issued } from './command-issue.ts';
import {
  commandList,
  commandShow,
  type CommandListOptions,
  type CommandShowOptions,
} from './command-views.ts';
import {
  append,
  debugOption,
  deviceOption,
  integer,
  limitOption,
  outputOption,
  sourceOf,
  type CommonOptions,
} from './options.ts';
import { createTerminal } from './terminal.ts';
import { watchOption } from './watch.ts';

interface Verb {
  /** With its arguments, as the help shows it. */
  readonly usage: string;
  readonly description: string;
  readonly options?: readonly Option[];
  readonly issued: (args: readonly string[], options: Extra) => Issued | Promise<Issued>;
}

interface Extra {
  readonly id?: string;
  readonly input?: string;
  readonly payload?: string;
  readonly result?: string;
  readonly error?: string;
  readonly reason?: string;
}

const json = (name: string, what: string) =>
  new Option(`--${name} <json>`, `${what}, as JSON, @FILE, or @- for stdin`);
const reasonOption = () => new Option('--reason <text>', 'kept in the journal').default('');

/** A command about a run that takes a reason. */
function onRun(verb: string, description: string): Verb {
  return {
    usage: `${verb} <run>`,
    description,
    options: [reasonOption()],
    issued: ([run], { reason }) => ({
      ...{ kind: `run.${verb}` as Issued['kind'], run, payload: reason },
    }),
  };
}

const verbs: readonly Verb[] = [
  {
    usage: 'start <workflow>',
    description: 'Start a run; under one id a device has one run',
    options: [new Option('--id <run>', 'id of the run'), json('input', 'of the workflow')],
    issued: async ([name], { id: run, input }) => ({
      ...{ kind: 'run.start', name, run, payload: await jsonOption(input) },
    }),
  },
  {
    usage: 'signal <run> <name>',
    description: 'Give a run a signal',
    options: [json('payload', 'what the signal brings')],
    issued: async ([run, name], { payload }) => ({
      ...{ kind: 'run.signal', run, name, payload: await jsonOption(payload) },
    }),
  },
  onRun('cancel', 'Cancel a run; it can clean up'),
  onRun('pause', 'Hold a run: nothing new of it is begun'),
  {
    usage: 'resume <run>',
    description: 'Let a run that is held go on',
    issued: ([run]) => ({ kind: 'run.resume', run }),
  },
  onRun('retry', 'Let a run that failed or is stuck try again'),
  {
    usage: 'fork <run> <step>',
    description: 'Start a run anew, from a step of it on',
    options: [new Option('--id <run>', 'id of the new run').default('', 'that of the command')],
    issued: ([run, name], { id }) => ({ kind: 'run.fork', run, name, payload: id }),
  },
  {
    usage: 'skip <run> <step>',
    description: 'Give a step of a run an outcome, instead of its body',
    options: [json('result', 'what the step resolves with')],
    issued: async ([run, name], { result }) => ({
      ...{ kind: 'step.skip', run, name, payload: await jsonOption(result) },
    }),
  },
  {
    usage: 'complete <token>',
    description: 'Complete or fail a step that waits for somebody outside',
    options: [
      json('result', 'what the step resolves with'),
      new Option('--error <text>', 'the step fails with this instead').conflicts('result'),
    ],
    issued: async ([name], { result, error }) =>
      error === undefined
        ? { kind: 'step.complete', name, payload: await jsonOption(result) }
        : { kind: 'step.fail', name, payload: error },
  },
  {
    usage: 'set <name> <json>',
    description: 'Set what programs on the device read by this name; null takes it away',
    issued: async ([name, value = 'null']) => ({
      ...{ kind: 'config.set', name, payload: await jsonArgument(value) },
    }),
  },
  {
    usage: 'new-key',
    description: 'Have devices that were enrolled take another key, for which theirs vouches',
    issued: () => ({ kind: 'key.rotate' }),
  },
];

function jsonOption(text: string | undefined): Promise<unknown> {
  return text === undefined ? Promise.resolve(undefined) : jsonArgument(text);
}

/** Adds the commands that tell devices what to do, and those that show what became of it. */
export function addCommands(program: Command): void {
  const command = program
    .command('command')
    .description('Tell devices what to do, and see what became of it')
    .addHelpText('after', commandExamples);
  for (const verb of verbs) addVerb(command, verb);
  const source = (name: string) => sourceOf(command, name);
  source('ls')
    .description('Show what was issued, newest first, and how far it is')
    .addOption(
      new Option('--before <n>', 'only what was issued before this one').argParser(
        integer(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(limitOption('commands'))
    .addOption(watchOption())
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: CommandListOptions & CommonOptions) =>
      commandList(options, createTerminal(options.output)),
    );
  source('show')
    .description('Show one command, and what became of it on each device')
    .argument('<id>', 'of the command')
    .addOption(new Option('--outcome <word>', 'only devices with this').choices(outcomes))
    .option('--after <device>', 'go on behind this device')
    .addOption(limitOption('devices'))
    .addOption(outputOption())
    .addOption(debugOption())
    .action((id: string, options: CommandShowOptions & CommonOptions) =>
      commandShow(id, options, createTerminal(options.output)),
    );
}

function addVerb(parent: Command, { usage, description, options: own = [], issued }: Verb): void {
  const verb = sourceOf(parent, usage)
    .description(description)
    .addOption(deviceOption())
    .option(
      '--tag <name=value>',
      'to all devices that have this tag; repeatable: all of them',
      append,
    )
    .option('--all', 'to every device that is known now');
  for (const option of own) verb.addOption(option);
  verb
    .option('--expires <duration>', 'not applied after so long, or never', '30d')
    .option('--command-id <id>', 'names it; the same again changes nothing (default: a new one)')
    .option('--by <name>', 'who issues it (default: you)')
    .addOption(outputOption())
    .addOption(debugOption())
    .action(async (...given: unknown[]) => {
      // Commander gives the arguments first, then the options, then itself.
      const options = given.at(-2) as IssueOptions & Extra & CommonOptions;
      const args = given.slice(0, -2).map(String);
      await issueCommand(await issued(args, options), options, createTerminal(options.output));
    });
}

const commandExamples = `
A command is durable at the gateway once this ends with 0. A device that is away gets it when it
comes back, unless it has expired by then; its receipt says what became of it.

Examples:
  holdfast-gateway command start inspect --tag site=oslo --data-dir ./gateway
  holdfast-gateway command signal order-17 paid --device pump-017 --expires 1h --data-dir ./gateway
  holdfast-gateway command set report.every '"15m"' --all --data-dir ./gateway
  holdfast-gateway command ls --data-dir ./gateway
  holdfast-gateway command show ID --outcome waiting --data-dir ./gateway`;
