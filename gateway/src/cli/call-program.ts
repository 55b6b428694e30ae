import { Option, type Command } from 'commander';
import { callStates } from '../core/call.ts';
import {
  callFail,
  callList,
  callRequeue,
  callServices,
  type CallListOptions,
  type UnparkOptions,
} from './call.ts';
import type { SourceOptions } from './fleet-source.ts';
import {
  debugOption,
  integer,
  limitOption,
  outputOption,
  sourceOf,
  withLedger,
  type CommonOptions,
} from './options.ts';
import { createTerminal } from './terminal.ts';
import { watchOption } from './watch.ts';

const number = integer(1, Number.MAX_SAFE_INTEGER);

/** Calls that wait for handlers, and what people decide about those that failed. */
export function addCalls(program: Command): void {
  const call = program
    .command('call')
    .description('See calls that wait, and have those executed again whose handler failed')
    .addHelpText('after', callExamples);
  withLedger(sourceOf(call, 'ls'))
    .description('Show calls that wait for a person; --state pending: for their handler')
    .addOption(new Option('--state <state>', 'which').choices(callStates).default('parked'))
    .option('--service <name>', 'only of this service')
    .option('--after <cursor>', 'go on where the page before ended')
    .addOption(limitOption('calls'))
    .addOption(watchOption())
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: CallListOptions & CommonOptions) =>
      callList(options, createTerminal(options.output)),
    );
  withLedger(sourceOf(call, 'services'))
    .description('Show each service: whether it is there, and how many calls wait for it')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      callServices(options, createTerminal(options.output)),
    );
  unpark(call, 'requeue')
    .description('Have parked calls executed again, with all their attempts')
    .action((service: string, at: number | undefined, options: UnparkOptions & CommonOptions) =>
      callRequeue([service, at], options, createTerminal(options.output)),
    );
  unpark(call, 'fail')
    .description('Have parked calls fail on their devices, which wait for them')
    .option('--reason <text>', 'that the workflow is told')
    .action((service: string, at: number | undefined, options: UnparkOptions & CommonOptions) =>
      callFail([service, at], options, createTerminal(options.output)),
    );
}

function unpark(call: Command, name: string): Command {
  return sourceOf(call, name)
    .argument('<service>', 'whose calls')
    .argument('[number]', 'of one call, as `call ls` shows it', (text) => number(text))
    .option('--all', 'all that are parked')
    .addOption(outputOption())
    .addOption(debugOption());
}

const callExamples = `
A call whose handler failed in every attempt is parked: its run goes on waiting, until the call
expires, and everything else goes on. Mend the handler, then have it executed again.

Examples:
  holdfast-gateway call ls --data-dir ./gateway
  holdfast-gateway call services --data-dir ./gateway
  holdfast-gateway call requeue mail.send --all --data-dir ./gateway
  holdfast-gateway call fail mail.send 17 --reason 'no such customer' --data-dir ./gateway`;
