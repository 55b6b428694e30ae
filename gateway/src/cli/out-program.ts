import { Exit, type ExitCode } from '@holdfast/protocol';
import { Option, type Command } from 'commander';
import { exportFormats } from '../core/out/export-text.ts';
import { exportEntries, type ExportOptions } from './export.ts';
import type { SourceOptions } from './fleet-source.ts';
import {
  append,
  debugOption,
  limitOption,
  outputOption,
  sourceOf,
  withLedger,
  type CommonOptions,
} from './options.ts';
import { createTerminal } from './terminal.ts';
import {
  webhookAdd,
  webhookDead,
  webhookEnable,
  webhookLs,
  webhookRemove,
  webhookRequeue,
  webhookTest,
  type DeadOptions,
  type RequeueOptions,
  type WebhookAddOptions,
} from './webhook.ts';

/** What goes out of the ledger. */
export function addOut(program: Command, onExit: (code: ExitCode) => void): void {
  const webhook = program
    .command('webhook')
    .description('Have endpoints told of entries, as signed CloudEvents')
    .addHelpText('after', webhookExamples);
  addSubscribing(webhook);
  addMending(webhook, onExit);
  filtered(withLedger(sourceOf(program, 'export')))
    .description('Print entries of the ledger for other programs')
    .addOption(new Option('--format <format>', 'how').choices(exportFormats).default('ndjson'))
    .option('--since <time>', 'only what was received from then on')
    .option('--before <time>', 'only what was received before')
    .option('--after <id>', 'go on behind this record')
    .addOption(debugOption())
    .addHelpText('after', exportExamples)
    .action((options: ExportOptions) => exportEntries(options));
}

function filtered(command: Command): Command {
  return command
    .option('--device <id>', 'only of this device; repeatable', append)
    .option('--tag <name=value>', 'only of devices that have this tag; repeatable: all', append)
    .option('--workflow <name>', 'only of runs of this workflow; repeatable', append)
    .option('--kind <kind>', 'only entries such as run.completed; repeatable', append)
    .option('--personal', 'with the contents of values that are about somebody');
}

function common(command: Command): Command {
  return command.addOption(outputOption()).addOption(debugOption());
}

function addSubscribing(webhook: Command): void {
  common(filtered(sourceOf(webhook, 'add')))
    .description('Tell an endpoint of entries from now on, and print the secret, this once')
    .argument('<url>', 'https://… of a public address')
    .option('--from-start', 'with all that the ledger has already')
    .option('--secret-file <file>', 'whsec_ and base64 of 24 to 64 bytes (default: a new one)')
    .action((url: string, options: WebhookAddOptions & CommonOptions) =>
      webhookAdd(url, options, createTerminal(options.output)),
    );
  common(sourceOf(webhook, 'ls'))
    .description('Show the webhooks, and how they are')
    .action((options: SourceOptions & CommonOptions) =>
      webhookLs(options, createTerminal(options.output)),
    );
  common(sourceOf(webhook, 'remove'))
    .description('Tell an endpoint nothing any more')
    .argument('<id>', 'as `webhook ls` shows it')
    .action((id: string, options: SourceOptions & CommonOptions) =>
      webhookRemove(id, options, createTerminal(options.output)),
    );
}

function addMending(webhook: Command, onExit: (code: ExitCode) => void): void {
  const ofOne = (name: string): Command =>
    common(sourceOf(webhook, name)).argument('<id>', 'as `webhook ls` shows it');
  ofOne('test')
    .description('Send an event that says nothing; exit 1 when it is not taken')
    .action(async (id: string, options: SourceOptions & CommonOptions) => {
      const isTaken = await webhookTest(id, options, createTerminal(options.output));
      onExit(isTaken ? Exit.ok : Exit.failed);
    });
  ofOne('enable')
    .description('Tell an endpoint again that was disabled, from where it was')
    .action((id: string, options: SourceOptions & CommonOptions) =>
      webhookEnable(id, options, createTerminal(options.output)),
    );
  ofOne('dead')
    .description('Show the events that an endpoint did not take')
    .option('--after <event>', 'go on behind this one')
    .addOption(limitOption('events'))
    .action((id: string, options: DeadOptions & CommonOptions) =>
      webhookDead(id, options, createTerminal(options.output)),
    );
  ofOne('requeue')
    .description('Send again what an endpoint did not take')
    .option('--event <event>', 'only this one (default: all)')
    .action((id: string, options: RequeueOptions & CommonOptions) =>
      webhookRequeue(id, options, createTerminal(options.output)),
    );
}

const webhookExamples = `
An endpoint is told of each entry at least once, those of a device in order, and knows one that
comes twice by its id. What it cannot take now it is told later; what it refuses is kept.

Examples:
  holdfast-gateway webhook add https://hooks.example/holdfast --kind run.failed --data-dir ./gateway
  holdfast-gateway webhook ls --data-dir ./gateway
  holdfast-gateway webhook requeue wh-0123456789 --data-dir ./gateway`;

const exportExamples = `
Each record has an id; --after ID goes on behind it, as when an export was cut short.

Examples:
  holdfast-gateway export --data-dir ./gateway --since 2026-03-01T00:00:00Z > march.ndjson
  holdfast-gateway export --format csv --kind run.failed --workflow checkout --data-dir ./gateway`;
