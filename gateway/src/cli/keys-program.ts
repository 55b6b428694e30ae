import { readFile } from 'node:fs/promises';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Command } from 'commander';
import { dataDirOption, debugOption, outputOption, type CommonOptions } from './options.ts';
import { readNewPassword, readPassword } from './secret-input.ts';
import { createTerminal, show } from './terminal.ts';

interface KeysOptions extends CommonOptions {
  readonly dataDir: string;
}

/** What several gateways on one database have in common beside it. */
export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('Take the keys of a gateway to another one on the same database');
  keys
    .command('export')
    .description('Write the keys of a gateway to a file that a passphrase opens')
    .addOption(
      dataDirOption('data directory of that gateway, running or not').makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'to write; none is overwritten')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', exportHelp)
    .action((options: KeysOptions & { readonly out: string }) => exportTo(options));
  keys
    .command('import')
    .description('Give a gateway that does not run the keys of such a file')
    .argument('<file>', 'that `keys export` wrote')
    .addOption(
      dataDirOption(
        'data directory of that gateway; made where there is none',
      ).makeOptionMandatory(),
    )
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', importHelp)
    .action((file: string, options: KeysOptions) => importFrom(file, options));
}

async function exportTo(options: KeysOptions & { readonly out: string }): Promise<void> {
  const { exportKeys } = await import('../gateway-keys.ts');
  const { checkPassword } = await import('../core/access/users.ts');
  const { dataDir, out, output } = options;
  const passphrase = checkPassword(await readNewPassword('passphrase'));
  const view = await exportKeys(dataDir, { out, passphrase });
  show(createTerminal(output), view, () => `${out} has the keys of the gateway ${view.key}.`);
}

async function importFrom(file: string, { dataDir, output }: KeysOptions): Promise<void> {
  const { importKeys } = await import('../gateway-keys.ts');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  });
  const passphrase = (await readPassword('Passphrase: ')).normalize('NFKC');
  const view = await importKeys(dataDir, { text, passphrase });
  show(createTerminal(output), view, () => `${dataDir} has the keys of the gateway ${view.key}.`);
}

const exportHelp = `
They are the key by which devices know the gateway, and its authority. The passphrase is asked for,
or is one line on stdin; the file is as secret as it.

Examples:
  holdfast-gateway keys export --out gateway.keys --data-dir ./gateway`;

const importHelp = `
After \`ca rotate\` at one gateway, the others take its keys anew, one after the other.

Examples:
  holdfast-gateway keys import gateway.keys --data-dir ./gateway-2`;
