import { HELP_WIDTH, reflow, type ExitCode } from '@holdfast/protocol';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readDevice } from '../core/api-query.ts';
import { deviceStates } from '../core/device-views.ts';
import { addAccess } from './access-commands.ts';
import { addBrokerConfig } from './broker-config-program.ts';
import { addCalls } from './call-program.ts';
import { addCa } from './ca-commands.ts';
import { addCommands } from './command-program.ts';
import { addAbout } from './about-program.ts';
import { addBacklog } from './backlog.ts';
import { addCheck } from './check.ts';
import { addContext } from './context.ts';
import { addCompletion } from './completion.ts';
import { showDevice } from './device.ts';
import { devices, type DevicesOptions } from './devices.ts';
import { checkUnfiltered, devicesFilterHelp } from './devices-filter.ts';
import type { SourceOptions } from './fleet-source.ts';
import { addKeys } from './keys-program.ts';
import { addLedgerAdmin } from './ledger-admin.ts';
import { ledgerEntries } from './ledger-entries.ts';
import { ledgerQuarantine } from './ledger-quarantine.ts';
import {
  ledgerErase,
  ledgerErasures,
  ledgerExport,
  ledgerPrunings,
  type EraseOptions,
  type SubjectOptions,
} from './ledger-privacy.ts';
import { ledgerVerify } from './ledger-verify.ts';
import {
  append,
  debugOption,
  deviceOption,
  integer,
  laneOption,
  limitOption,
  outputOption,
  sourceOf,
  tableOutputOption,
  withLedger,
  withTable,
  type CommonOptions,
  type EntriesOptions,
} from './options.ts';
import { addOut } from './out-program.ts';
import { addPair } from './pair-commands.ts';
import { rekey, type RekeyOptions } from './rekey.ts';
import { revoke, type RevokeOptions } from './revoke.ts';
import { runs, type RunsOptions } from './runs.ts';
import { addServe } from './serve-program.ts';
import { addStuck } from './stuck.ts';
import { tag } from './tag.ts';
import { createTerminal } from './terminal.ts';
import { watchOption } from './watch.ts';
import { version } from '../version.ts';

const about = `
Commands that read and change are given a gateway: --data-dir DIR of one on this machine, running or
not, --url URL with --token-file FILE of one elsewhere, or, for what its ledger has, --ledger URL;
or by the name of a context, see \`context set\`. Of an option that is given twice the last one
counts, unless it is repeatable.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 no gateway answers, 5 denied, 6 conflict,
7 timed out, 78 bad configuration, 130 interrupted. \`explain CODE\` explains an error.

Examples:
  holdfast-gateway serve --data-dir ./gateway
  holdfast-gateway devices --data-dir ./gateway
  holdfast-gateway call ls --url https://gw.example:8080 --token-file ci.token
`;

/** The commands. `onExit` is told the exit code of one that has one of its own. */
export function createProgram(onExit: (code: ExitCode) => void): Command {
  const program = new Command('holdfast-gateway')
    .description('The cloud side of Holdfast: takes the journals of devices into its ledger.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show how to use it')
    .helpCommand('help [command]', 'show how to use a command')
    .configureHelp({ showGlobalOptions: false, minWidthToWrap: 20 })
    .exitOverride()
    // What goes wrong is printed once, by main, in three lines.
    .configureOutput({
      writeOut: (text) => void process.stdout.write(reflow(text, HELP_WIDTH)),
      writeErr: () => undefined,
    })
    .addHelpText('after', about);
  addServe(program, onExit);
  addReading(program);
  addBacklog(program);
  addStuck(program);
  addCommands(program);
  addCalls(program);
  addOut(program, onExit);
  addLedger(program, onExit);
  addAccess(program);
  addCa(program);
  addKeys(program);
  addPair(program);
  addBrokerConfig(program);
  addCheck(program);
  addContext(program);
  addAbout(program);
  addCompletion(program);
  return program;
}

function addReading(program: Command): void {
  const source = (name: string) => withLedger(sourceOf(program, name));

  withTable(source('devices'))
    .alias('device')
    .description('Show each device: its state, and its backlog as it reported it last')
    .argument('[device]', 'show this one, with every life of its journal')
    .addOption(new Option('--state <state>', 'only in this state; repeatable').argParser(readState))
    .option('--stuck', 'only those that are stuck')
    .option('--offline', 'only those that are offline, which is normal')
    .option('--late [duration]', 'only those that were not heard for longer (1d)')
    .option('-q, --query <expression>', 'only those that fit it, such as backlog>1000')
    .addOption(watchOption())
    .addOption(tableOutputOption())
    .addOption(debugOption())
    .addHelpText('after', devicesExamples)
    .action((device: string | undefined, options: DevicesOptions & CommonOptions) => {
      const terminal = createTerminal(options.output, options);
      if (device === undefined) return devices(options, terminal);
      checkUnfiltered(options);
      return showDevice(readDevice(device), options, terminal);
    });
  source('rekey')
    .description('Accept another key of a device that was made anew; its old one counts no more')
    .argument('<device>', 'id of the device')
    .requiredOption('--key <name>', 'of the new key, as `holdfast status` shows it on the device')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', rekeyHelp)
    .action((device: string, options: RekeyOptions & CommonOptions) =>
      rekey(readDevice(device), options, createTerminal(options.output)),
    );
  source('revoke')
    .description('Take nothing from a device any more; what it still sends is kept aside')
    .argument('<device>', 'id of the device')
    .option('--confirm <device>', 'its id again: nothing undoes it but enrolling it anew')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', revokeHelp)
    .action((device: string, options: RevokeOptions & CommonOptions) =>
      revoke(readDevice(device), options, createTerminal(options.output)),
    );
  source('tag')
    .description('Give a device these tags in the place of those it had')
    .argument('<device>', 'id of the device')
    .argument('[name=value...]', 'such as site=oslo line=2; none: it has no tags any more')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((device: string, texts: readonly string[], options: SourceOptions & CommonOptions) =>
      tag(readDevice(device), texts, { options, terminal: createTerminal(options.output) }),
    );
  withTable(source('runs'))
    .description('Show runs as far as their entries have arrived, newest first')
    .addOption(deviceOption())
    .option('--state <state>', 'only in this state; repeatable', append)
    .option('--workflow <name>', 'only of this workflow')
    .option('--before <cursor>', 'only older ones, as the page before says')
    .addOption(limitOption('runs'))
    .addOption(watchOption())
    .addOption(tableOutputOption())
    .addOption(debugOption())
    .addHelpText('after', runsExamples)
    .action((options: RunsOptions & CommonOptions) =>
      runs(options, createTerminal(options.output, options)),
    );
}

function addLedger(program: Command, onExit: (code: ExitCode) => void): void {
  const ledger = program.command('ledger').description('Read and verify what devices journaled');
  const source = (name: string) => withLedger(sourceOf(ledger, name));

  withTable(source('entries'))
    .description('Show the entries of a device in the order of their seq')
    .addOption(deviceOption().makeOptionMandatory())
    .addOption(
      new Option('--epoch <n>', 'of this life of its journal; default: the newest').argParser(
        integer(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(laneOption())
    .addOption(
      new Option('--after <seq>', 'only with a higher seq; needs --lane').argParser(
        integer(0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(limitOption('entries of each lane'))
    .addOption(tableOutputOption())
    .addOption(debugOption())
    .addHelpText('after', entriesExamples)
    .action((options: EntriesOptions & SourceOptions & CommonOptions) =>
      ledgerEntries(options, createTerminal(options.output, options)),
    );
  source('quarantine')
    .description('Show what a device sent under a key that counted no more')
    .addOption(deviceOption().makeOptionMandatory())
    .addOption(limitOption('entries'))
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: EntriesOptions & SourceOptions & CommonOptions) =>
      ledgerQuarantine(options, createTerminal(options.output)),
    );
  source('verify')
    .description('Read every entry and check every hash chain; exit 1 when one is not whole')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', verifyExamples)
    .action(async (options: SourceOptions & CommonOptions) => {
      onExit(await ledgerVerify(options, createTerminal(options.output)));
    });
  addPrivacy(source);
  source('prunings')
    .description('Show the receipts of what was kept for long enough, newest first')
    .addOption(limitOption('receipts'))
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions & { readonly limit: number }) =>
      ledgerPrunings(options, createTerminal(options.output)),
    );
  addLedgerAdmin(ledger, onExit);
}

/** What is asked of those who hold data on somebody. */
function addPrivacy(source: (name: string) => Command): void {
  const subject = () => new Option('--subject <id>', 'whom it is about').makeOptionMandatory();
  source('export')
    .description('Print what is held on a subject, a line of JSON each')
    .addOption(subject())
    .addOption(debugOption())
    .addHelpText('after', exportExamples)
    .action((options: SubjectOptions) => ledgerExport(options, createTerminal('json')));
  source('erase')
    .description('Delete what is held on a subject; the chains stay whole, a receipt stays')
    .addOption(subject())
    .option('--by <name>', 'who wants it, for the receipt (default: you)')
    .option('--reason <text>', 'why, for the receipt')
    .option('--yes', 'it is meant: nothing brings it back')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', eraseExamples)
    .action((options: EraseOptions & CommonOptions) =>
      ledgerErase(options, createTerminal(options.output)),
    );
  source('erasures')
    .description('Show the receipts of what was erased, newest first')
    .addOption(limitOption('receipts'))
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions & { readonly limit: number }) =>
      ledgerErasures(options, createTerminal(options.output)),
    );
}

function readState(text: string, before: readonly string[] = []): readonly string[] {
  if (deviceStates.some((state) => state === text)) return [...before, text];
  throw new InvalidArgumentError(`It is not one of ${deviceStates.join(', ')}.`);
}

const devicesExamples = `${devicesFilterHelp}
Examples:
  holdfast-gateway devices --data-dir ./gateway
  holdfast-gateway devices pump-017 --data-dir ./gateway
  holdfast-gateway devices -q 'tag.site=oslo and backlog>1000' --data-dir ./gateway
  holdfast-gateway devices --late 6h --data-dir ./gateway
  holdfast-gateway devices --sort -backlog --watch --data-dir ./gateway
  holdfast-gateway devices --url https://gw.example:8080 --token-file ci.token -o json`;

const rekeyHelp = `
Compare the name with what the device shows: whoever has that key is the device from then on. It
goes on in a new epoch; what the ledger has of it stays. The name of the key that counts takes
back a decision.

Examples:
  holdfast-gateway rekey pump-017 --key 0123456789abcdef0123456789abcdef --data-dir ./gateway`;

const revokeHelp = `
Its connection to the built-in broker ends at once, and it is not let in again. For another broker,
fetch the list of revoked certificates anew: holdfast-gateway ca crl.

Examples:
  holdfast-gateway revoke pump-017 --confirm pump-017 --data-dir ./gateway`;

const runsExamples = `
Examples:
  holdfast-gateway runs --data-dir ./gateway --device pump-017
  holdfast-gateway runs --url http://127.0.0.1:8080 --token-file ci.token --limit 20`;

const entriesExamples = `
Examples:
  holdfast-gateway ledger entries --data-dir ./gateway --device pump-017
  holdfast-gateway ledger entries --data-dir ./gateway --device pump-017 --lane normal --after 100`;

const exportExamples = `
Examples:
  holdfast-gateway ledger export --data-dir ./gateway --subject customer-42 > customer-42.ndjson`;

const eraseExamples = `
What was journaled about the subject before, and comes later, is not kept either. Devices
erase on their own: holdfast erase --subject customer-42.

Examples:
  holdfast-gateway ledger erase --data-dir ./gateway --subject customer-42 --yes`;

const verifyExamples = `
Examples:
  holdfast-gateway ledger verify --data-dir ./gateway
  holdfast-gateway ledger verify --data-dir ./gateway -o json`;
