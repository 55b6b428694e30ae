import { errorText, Exit, exitCodeOf, type ExitCode } from '@holdfast/protocol';
import { CommanderError } from 'commander';
import { usage } from './options.ts';
import { createProgram } from './program.ts';

/** Whoever reads our output may stop reading, as `head` does: that is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(Exit.failed);
});

/** Output that still waits for a slow reader is written before the process ends. */
function exit(code: ExitCode): void {
  process.exitCode = code;
  process.stdout.write('', () => process.exit());
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = Exit.ok;
  const program = createProgram((own) => {
    code = own;
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return Exit.ok;
    const failure = error instanceof CommanderError ? usageOf(error) : error;
    process.stderr.write(`${errorText(failure, { debug: argv.includes('--debug') })}\n`);
    return exitCodeOf(failure);
  }
}

function usageOf(error: CommanderError): Error {
  // Without a command, commander would print its help as the error.
  if (error.code === 'commander.help') return usage('no command is given');
  return usage(error.message.replace(/^error: /, ''));
}

exit(await main(process.argv));
