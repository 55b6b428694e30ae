import { HoldfastError } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import {
  conflictPolicies,
  reusePolicies,
  type ConflictPolicy,
  type ReusePolicy,
} from '../core/start-policies.ts';
import { jsonArgument } from './json-argument.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { startLines } from './start-lines.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly input?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly onConflict?: ConflictPolicy;
  readonly reuse?: ReusePolicy;
  readonly inputLines?: string;
  readonly idField?: string;
}

const ID_FIELD_DEFAULT = 'id';

const about = `
The run is on stable storage once this command has ended with 0. Starting the same id with
the same input again attaches to the run that is there; --on-conflict and --reuse say what
else is to happen.

With --input-lines, each line of the file is the input of a run, and its field "id" (or the
one that --id-field names) is the id of the run: feeding the file again starts nothing twice.
Bad lines are reported with their number and the others go on; the exit code is then 1.

A single run belongs to the trace that TRACEPARENT names, where it is set.

Examples:
  holdfast start checkout --input '{"id":"A-1","total":12.5}' --id A-1
  holdfast start checkout --input @order.json
  holdfast start checkout --input-lines orders.ndjson --id-field id
`;

export function addStart(program: Command, shell: Shell): void {
  addTarget(program.command('start'))
    .description('Start a run of a workflow, or one for each line of a file.')
    .argument('<workflow>', 'name of the workflow')
    .option('--input <json>', 'input as JSON, @FILE, or @- for stdin')
    .option('--id <id>', 'id of the run; without it, a new one')
    .option('--subject <id>', 'whom it is about, to be erased by later')
    .addOption(policy('--on-conflict', 'if the run with that id is open', conflictPolicies))
    .addOption(policy('--reuse', 'if it has ended', reusePolicies))
    .option('--input-lines <file>', 'file of JSON lines, or - for stdin')
    .option('--id-field <field>', `field of each line that is the id (default "id")`)
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (workflow: string, flags: Flags) => {
      checkFlags(flags);
      const { inputLines: file, idField = ID_FIELD_DEFAULT, output } = flags;
      if (file === undefined) await startOne(shell, workflow, flags);
      else {
        await withAgent(shell, flags, (agent) =>
          startLines(agent, shell, { workflow, file, idField, output }),
        );
      }
    });
}

function policy(flag: string, when: string, allowed: readonly string[]): Option {
  return new Option(`${flag} <policy>`, when).choices(allowed);
}

function checkFlags(flags: Flags): void {
  const refuse = (why: string): never => {
    throw new HoldfastError('HF_USAGE', { why });
  };
  const idPolicy = flags.onConflict === undefined ? '--reuse' : '--on-conflict';
  const hasIdPolicy = (flags.onConflict ?? flags.reuse) !== undefined;
  if (flags.inputLines === undefined) {
    if (flags.idField !== undefined) refuse('--id-field goes with --input-lines only');
    if (hasIdPolicy && flags.id === undefined) refuse(`${idPolicy} needs --id: a new id is free`);
  } else if (flags.input !== undefined) refuse('give either --input or --input-lines, not both');
  else if (flags.id !== undefined) refuse('--id names one run; --input-lines starts many');
  else if (flags.subject !== undefined) refuse('--subject is of one run, --input-lines of many');
  else if (hasIdPolicy) refuse(`${idPolicy} goes with --id only, and not with --input-lines`);
}

async function startOne(shell: Shell, workflow: string, flags: Flags): Promise<void> {
  const input = flags.input === undefined ? undefined : await jsonArgument(flags.input);
  const { id, subject, onConflict, reuse } = flags;
  const traceparent = shell.env['TRACEPARENT'];
  const run = { workflow, input, id, subject, onConflict, reuse, traceparent };
  const started = await withAgent(shell, flags, (agent) => agent.start(run));
  const verb = started.created ? 'started' : 'already there:';
  shell.print(
    flags.output === 'json' ? JSON.stringify(started) : `${verb} ${valueText(started.id)}`,
  );
}
