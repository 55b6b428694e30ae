import { Option, type Command } from 'commander';
import { roles } from '../core/access/roles.ts';
import { audit, type AuditOptions } from './audit.ts';
import { enrollCreate, enrollLs, enrollRevoke, type EnrollOptions } from './enroll.ts';
import {
  append,
  debugOption,
  deviceOption,
  integer,
  limitOption,
  outputOption,
  sourceOf,
  withLedger,
  type CommonOptions,
} from './options.ts';
import type { SourceOptions } from './fleet-source.ts';
import { createTerminal } from './terminal.ts';
import { tokenCreate, tokenLs, tokenRevoke, type TokenOptions } from './token.ts';
import { userAdd, userLs, userRm, userSet, type UserOptions } from './user.ts';

const roleOption = (): Option => new Option('--role <role>', 'what it may do').choices(roles);

/** Who may use the gateway, and what they did. */
export function addAccess(program: Command): void {
  addUsers(program.command('user').description('Decide which people may log in'));
  addTokens(program.command('token').description('Decide which programs may use the HTTP API'));
  addEnroll(program.command('enroll').description('Let devices in that nobody knows yet'));
  withLedger(sourceOf(program, 'audit'))
    .description('Show who changed what, when, and what came of it, the newest first')
    .addOption(limitOption('records'))
    .option('--before <id>', 'only older ones, as the page before says')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: AuditOptions & CommonOptions) =>
      audit(options, createTerminal(options.output)),
    );
}

function addUsers(user: Command): void {
  const common = (name: string): Command => withLedger(sourceOf(user, name));
  common('add')
    .description('Add a person; the password is asked for, or is one line on stdin')
    .argument('<name>', 'letters, digits, . _ @ -')
    .addOption(roleOption().makeOptionMandatory())
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', userExamples)
    .action((name: string, options: UserOptions & CommonOptions) =>
      userAdd(name, options, createTerminal(options.output)),
    );
  common('set')
    .description('Change the role of a person, or the password')
    .argument('<name>', 'of the person')
    .addOption(roleOption())
    .option('--password', 'ask for a new one, or read it as one line from stdin')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((name: string, options: UserOptions & CommonOptions) =>
      userSet(name, options, createTerminal(options.output)),
    );
  common('rm')
    .description('Remove a person, and end the sessions of that one')
    .argument('<name>', 'of the person')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((name: string, options: SourceOptions & CommonOptions) =>
      userRm(name, options, createTerminal(options.output)),
    );
  common('ls')
    .description('Show the people who may log in')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      userLs(options, createTerminal(options.output)),
    );
}

function addTokens(token: Command): void {
  const common = (name: string): Command => withLedger(sourceOf(token, name));
  common('create')
    .description('Make an API token and print it, this once')
    .argument('<name>', 'who is to use it: letters, digits, . _ @ -')
    .addOption(roleOption().makeOptionMandatory())
    .option('--expires <duration>', 'how long it is valid, up to 3650d, or `never`', '90d')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', tokenExamples)
    .action((name: string, options: TokenOptions & CommonOptions) =>
      tokenCreate(name, options, createTerminal(options.output)),
    );
  common('revoke')
    .description('Have a token let nobody in any more')
    .argument('<id>', 'as `token ls` shows it')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((id: string, options: SourceOptions & CommonOptions) =>
      tokenRevoke(id, options, createTerminal(options.output)),
    );
  common('ls')
    .description('Show the API tokens, without their secrets')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      tokenLs(options, createTerminal(options.output)),
    );
}

function addEnroll(enroll: Command): void {
  const common = (name: string): Command => withLedger(sourceOf(enroll, name));
  common('create')
    .description('Make a token for `holdfast enroll` on a device, and print it, this once')
    .addOption(deviceOption().default(undefined, 'any that is not known yet'))
    .addOption(
      new Option('--uses <n>', 'how many devices it enrols')
        .argParser(integer(1, 1_000))
        .default(1),
    )
    .option('--expires <duration>', 'how long it is valid, up to 365d', '1h')
    .option('--tag <name=value>', 'that these devices get; repeatable', append)
    .option('--address <url>', 'of the HTTP API, as devices reach it; default: as it listens')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', enrollExamples)
    .action((options: EnrollOptions & CommonOptions) =>
      enrollCreate(options, createTerminal(options.output)),
    );
  common('revoke')
    .description('Have a token enrol nobody any more; devices that it has enrolled stay')
    .argument('<id>', 'as `enroll ls` shows it')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((id: string, options: SourceOptions & CommonOptions) =>
      enrollRevoke(id, options, createTerminal(options.output)),
    );
  common('ls')
    .description('Show the tokens that enrol devices, and whom they have enrolled')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      enrollLs(options, createTerminal(options.output)),
    );
}

const enrollExamples = `
The token names the gateway's key and its certificate: a device that has it can be enrolled by
nobody else. A device that is known already, and was made anew, takes a token with --device.

Examples:
  holdfast-gateway enroll create --data-dir ./gateway > token.txt
  holdfast-gateway enroll create --uses 50 --expires 24h --tag site=oslo --data-dir ./gateway
  holdfast-gateway enroll create --device pump-017 --address https://gw.example:8080 \\
    --data-dir ./gateway`;

const userExamples = `
A viewer reads; an operator changes runs and commands, too; an admin decides who may do what.

Examples:
  holdfast-gateway user add ola --role admin --data-dir ./gateway
  holdfast-gateway user add kari --role viewer --data-dir ./gateway < password.txt`;

const tokenExamples = `
Examples:
  holdfast-gateway token create ci --role viewer --data-dir ./gateway > ci.token
  holdfast-gateway devices --url https://gw.example:8080 --token-file ci.token`;
