import {
  checkLevels,
  errorText,
  Exit,
  exitCodeOf,
  fitSigns,
  messageOf,
  parserText,
  typedArgs,
  type ExitCode,
} from '@holdfast/protocol';
import { CommanderError } from 'commander';
import { usage } from './options.ts';
import { createProgram } from './program.ts';

/** Whoever reads our output may stop reading, as `head` does: that is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(Exit.failed);
});

/** Output that still waits for a slow reader is written before the process ends. */
function exit(code: ExitCode | undefined): void {
  if (code !== undefined) process.exitCode = code;
  process.stdout.write('', () => process.exit());
}

/** `undefined`: the command has set its own. */
async function main(argv: readonly string[]): Promise<ExitCode | undefined> {
  let code: ExitCode = Exit.ok;
  const program = createProgram((own) => {
    code = own;
  });
  try {
    const args = typedArgs(program, argv.slice(2), process);
    await program.parseAsync(args, { from: 'user' });
    return code === Exit.ok ? undefined : code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return Exit.ok;
    const failure = error instanceof CommanderError ? usageOf(error) : error;
    const { isTTY, columns } = process.stderr;
    const options = { debug: argv.includes('--debug'), width: isTTY ? columns : undefined };
    process.stderr.write(`${errorText(failure, options)}\n`);
    if (!isCheck(argv)) return exitCodeOf(failure);
    // Other exit codes mean something else to a monitoring system, which reads stdout only.
    process.stdout.write(`HOLDFAST UNKNOWN - ${messageOf(failure)}\n`);
    process.exitCode = checkLevels.indexOf('UNKNOWN');
    return undefined;
  }
}

function isCheck(argv: readonly string[]): boolean {
  const [, , command = ''] = argv.filter((word) => word !== '--debug');
  return command.length > 1 && 'check'.startsWith(command);
}

function usageOf(error: CommanderError): Error {
  // Without a command, commander would print its help as the error.
  if (error.code === 'commander.help') return usage('no command is given');
  return usage(parserText(error.message));
}

fitSigns(process);
exit(await main(process.argv));
