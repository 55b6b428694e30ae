import { Exit, HoldfastError, errorText, exitCodeOf, typedArgs } from '@holdfast/protocol';
import { CommanderError } from 'commander';
import { createSimProgram } from './program.ts';

try {
  const program = createSimProgram();
  const args = typedArgs(program, process.argv.slice(2), process);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return Exit.ok;
    const why = error.message.replace(/^error: /, '');
    process.stderr.write(`${errorText(new HoldfastError('HF_USAGE', { why }))}\n`);
    return Exit.usage;
  }
  process.stderr.write(`${errorText(error)}\n`);
  return exitCodeOf(error);
}
