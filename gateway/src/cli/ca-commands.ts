import type { Command } from 'commander';
import { caCrl, caInit, caIssue, caRotate, caShow } from './ca.ts';
import type { IssueOptions, RotateOptions } from './ca.ts';
import type { SourceOptions } from './fleet-source.ts';
import {
  append,
  dataDirOption,
  debugOption,
  outputOption,
  sourceOf,
  type CommonOptions,
} from './options.ts';
import { createTerminal } from './terminal.ts';

/** The authority of a gateway: it is made with the gateway, and issues by itself. */
export function addCa(program: Command): void {
  const ca = program.command('ca').description('Look after the authority that issues certificates');
  const common = (name: string): Command => sourceOf(ca, name);
  ca.command('init')
    .description('Make the data directory of a gateway with its authority, before its first start')
    .addOption(dataDirOption('of the gateway; what is there stays').makeOptionMandatory())
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: CommonOptions & { readonly dataDir: string }) =>
      caInit(options, createTerminal(options.output)),
    );
  common('show')
    .description('Show the authority, or with --pem what others are to trust')
    .option('--pem', 'print its certificate, and those of the ones before it')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions & { readonly pem?: true }) =>
      caShow(options, createTerminal(options.output)),
    );
  common('rotate')
    .description('Have another key issue certificates; those that are there count on')
    .option('--distrust', 'they do not: the key was stolen')
    .option('--yes', 'it is meant')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', rotateHelp)
    .action((options: RotateOptions & CommonOptions) =>
      caRotate(options, createTerminal(options.output)),
    );
  common('issue')
    .description('Issue a certificate for a broker, or for a gateway at one')
    .argument('<name>', 'common name')
    .option('--host <host>', 'of a server: a name or an address of it; repeatable', append)
    .option('--expires <duration>', 'how long it is valid, 1h to 3650d', '825d')
    .option('--out <dir>', 'where the files are written', '.')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', issueHelp)
    .action((name: string, options: IssueOptions & CommonOptions) =>
      caIssue(name, options, createTerminal(options.output)),
    );
  common('crl')
    .description('Print the certificates that are revoked, as a list for the file of a broker')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      caCrl(options, createTerminal(options.output)),
    );
}

const rotateHelp = `
Who trusts only the authority before it gets through, since that one certifies the new one. Devices
learn of the new one when they renew their certificates. With --distrust each has to renew before it
connects again, which it does by itself where it reaches the HTTP API.

Examples:
  holdfast-gateway ca rotate --yes --data-dir ./gateway`;

const issueHelp = `
The key is made here, and is not sent.

Examples:
  holdfast-gateway ca issue mosquitto --host mqtt.example --out ./broker --data-dir ./gateway
  holdfast-gateway ca issue gateway --out ./broker --data-dir ./gateway`;
