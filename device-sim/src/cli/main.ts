import {
  Exit,
  HoldfastError,
  errorText,
  exitCodeOf,
  fitSigns,
  parserText,
  typedArgs,
} from '@holdfast/protocol';
import { CommanderError } from 'commander';
import { createSimProgram } from './program.ts';

fitSigns(process);
try {
  const program = createSimProgram();
  const args = typedArgs(program, process.argv.slice(2), process);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  const { isTTY, columns } = process.stderr;
  const options = { width: isTTY ? columns : undefined };
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return Exit.ok;
    const why = parserText(error.message);
    process.stderr.write(`${errorText(new HoldfastError('HF_USAGE', { why }), options)}\n`);
    return Exit.usage;
  }
  process.stderr.write(`${errorText(error, options)}\n`);
  return exitCodeOf(error);
}
