import { Exit, formatCount, paint, withProgress, type ExitCode } from '@holdfast/protocol';
import type { Command } from 'commander';
import { ledgerAddress, type LedgerOptions } from './ledger-address.ts';
import {
  dataDirOption,
  debugOption,
  ledgerFileOption,
  ledgerOption,
  onlyOne,
  outputOption,
  usage,
  type CommonOptions,
} from './options.ts';
import { createTerminal, show } from './terminal.ts';

type OnExit = (code: ExitCode) => void;

/** Commands for those who run a database for a ledger. */
export function addLedgerAdmin(ledger: Command, onExit: OnExit): void {
  const command = (name: string) =>
    ledger.command(name).addOption(ledgerOption()).addOption(ledgerFileOption());
  const last = (each: Command, help: string) =>
    each.addOption(outputOption()).addOption(debugOption()).addHelpText('after', help);

  last(
    command('migrate')
      .description('Bring the tables of a ledger in PostgreSQL up to this version, or make them')
      .option('--dry-run', 'only say what would be done'),
    migrateHelp,
  ).action((options: MigrateOptions) => migrate(options));
  last(
    command('copy')
      .description('Copy the ledger of a gateway that does not run into PostgreSQL, and check it')
      .addOption(dataDirOption('data directory of that gateway').makeOptionMandatory()),
    copyHelp,
  ).action(async (options: CopyOptions) => onExit(await copy(options)));
  last(
    command('rebuild')
      .description('Derive runs and pending calls anew from the entries; no gateway may run')
      .addOption(dataDirOption('data directory of a gateway that has its ledger there')),
    rebuildHelp,
  ).action((options: RebuildOptions) => rebuild(options));
}

interface MigrateOptions extends CommonOptions, LedgerOptions {
  readonly dryRun?: boolean;
}

async function migrate({ dryRun = false, ...options }: MigrateOptions): Promise<void> {
  const { migrateLedger } = await import('../ledger-admin.ts');
  const terminal = createTerminal(options.output);
  const address = await requiredAddress(options);
  const view = await withProgress(terminal.progress, { what: 'migrating', unit: 'percent' }, () =>
    migrateLedger(address, { dryRun }),
  );
  show(terminal, view, () => {
    const names = view.migrations.map((name) => `  ${name}`);
    if (names.length === 0) return `${view.ledger} is up to date.`;
    const head = dryRun ? 'These would be done:' : 'Done, in one transaction:';
    return [head, ...names].join('\n');
  });
}

interface CopyOptions extends CommonOptions, LedgerOptions {
  readonly dataDir: string;
}

async function copy(options: CopyOptions): Promise<ExitCode> {
  const { copyLedger } = await import('../ledger-admin.ts');
  const terminal = createTerminal(options.output);
  const address = await requiredAddress(options);
  const view = await withProgress(terminal.progress, { what: 'copied', unit: 'rows' }, (to) =>
    copyLedger(options.dataDir, address, to),
  );
  show(terminal, view, () => {
    const what = `${formatCount(view.rows)} rows with ${formatCount(view.entries)} entries`;
    if (view.whole) {
      const sign = paint('✓', 'green', terminal.color);
      return `${sign} copied ${what} to ${view.ledger}: every chain is whole.`;
    }
    const sign = paint('✗', 'red', terminal.color);
    return `${sign} copied ${what}: a chain is not whole, see ledger verify.`;
  });
  return view.whole ? Exit.ok : Exit.failed;
}

interface RebuildOptions extends CommonOptions, LedgerOptions {
  readonly dataDir?: string;
}

async function rebuild(options: RebuildOptions): Promise<void> {
  const { rebuildLedger } = await import('../ledger-admin.ts');
  const { dataDir, ledger, ledgerFile } = options;
  onlyOne({ '--data-dir': dataDir, '--ledger': ledger, '--ledger-file': ledgerFile });
  const terminal = createTerminal(options.output);
  const place = dataDir === undefined ? { ledger: await requiredAddress(options) } : { dataDir };
  const view = await withProgress(terminal.progress, { what: 'rebuilt' }, (to) =>
    rebuildLedger(place, to),
  );
  show(terminal, view, () => {
    const from = `${formatCount(view.entries)} entries`;
    return `${formatCount(view.runs)} runs and ${formatCount(view.calls)} calls, from ${from}.`;
  });
}

async function requiredAddress(options: LedgerOptions): Promise<string> {
  const address = await ledgerAddress(options);
  if (address === undefined) throw usage('--ledger is missing');
  return address;
}

const migrateHelp = `
Examples:
  holdfast-gateway ledger migrate --ledger postgres://holdfast@db.example/fleet --dry-run`;

const copyHelp = `
The database must have no devices yet. The data directory keeps its ledger, and the identity
of the gateway: serve goes on with the same directory, and --ledger.

Examples:
  holdfast-gateway ledger copy --data-dir ./gateway --ledger postgres://holdfast@db.example/fleet`;

const rebuildHelp = `
Examples:
  holdfast-gateway ledger rebuild --data-dir ./gateway
  holdfast-gateway ledger rebuild --ledger postgres://holdfast@db.example/fleet`;
