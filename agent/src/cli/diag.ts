import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { formatBytes, HoldfastError, messageOf, wrapLine } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { endWithoutCode } from './doctor-code.ts';
import { diagParts, type DiagPart } from './diag-parts.ts';
import { PLUGIN_DIR } from './diag-plugins.ts';
import { formatOption, type Format } from './output-format.ts';
import { withoutSecrets } from './redact.ts';
import type { Shell } from './shell.ts';
import { tarArchive } from './tar-archive.ts';
import { addTarget, nonEmpty, type TargetFlags } from './target.ts';

export interface DiagFlags extends TargetFlags {
  readonly output: Format;
  readonly config?: string;
  readonly out?: string;
  readonly plugins?: string;
}

const about = `
For whoever is to help: versions, settings, the variables of this program, what doctor finds,
status, runs without their values, the index of the newest entries without what they carry, the
newest 2,000 lines of the log, what systemd says, and what each program in --plugins prints, within
5 s. Passwords, keys, tokens, inputs, outputs and what errors of your code say are not in
it; ids of runs and devices and addresses are. Look at it before you hand it on: tar xf FILE.

Example:
  holdfast diag --config /etc/holdfast/agent.toml --out pump-017.tar.gz
`;

export function addDiag(program: Command, shell: Shell): void {
  addTarget(program.command('diag'))
    .description('Pack what is needed to see what is wrong, without secrets.')
    .option('--config <file>', 'the settings of its agent (HOLDFAST_CONFIG)')
    .option('--out <file>', 'where to; default: holdfast-diag-TIME.tar.gz')
    .option('--plugins <dir>', `programs that add to it; default: ${PLUGIN_DIR}`)
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: DiagFlags, self: Command) => {
      const parts = await diagParts(shell, flags, self);
      const view = await writeDiag(parts, flags, shell);
      const size = `${parts.length} files, ${formatBytes(view.bytes)}`;
      const file = flags.out ?? basename(view.file);
      const text = wrapLine(`${file}: ${size}. Look at it before you hand it on.`, shell.width, 2);
      shell.print(flags.output === 'json' ? JSON.stringify(view) : text);
      endWithoutCode();
    });
}

async function writeDiag(parts: readonly DiagPart[], { out }: DiagFlags, shell: Shell) {
  const at = new Date(shell.nowMs()).toISOString().replace(/\.\d+/, '').replaceAll(':', '');
  const file = resolve(nonEmpty('--out', out) ?? `holdfast-diag-${at}.tar.gz`);
  const files = parts.map(({ path, text }) => ({
    ...{ path: `holdfast-diag/${path}`, text: withoutSecrets(text) },
  }));
  const bytes = tarArchive(files, shell.nowMs());
  try {
    // What it says about a device is nobody else's business.
    await writeFile(file, bytes, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new HoldfastError('HF_USAGE', { why: `${file} cannot be made: ${messageOf(error)}` });
  }
  return {
    ...{ schema: 'holdfast.diag/1', file, bytes: bytes.byteLength },
    parts: parts.map(({ path }) => path),
  };
}
