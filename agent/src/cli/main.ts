import { Exit } from '@holdfast/protocol/base';
import { createProgram, usageError } from './program.ts';
import { processShell } from './shell.ts';

const args = process.argv.slice(2);
const shell = processShell({ debug: args.includes('--debug') });

process.exitCode = Exit.ok;
try {
  const program = await createProgram(shell, args);
  await program
    .hook('preAction', (_, action) => {
      // The agent closes in order; whatever else is interrupted just puts the terminal back.
      if (action.name() !== 'run') exitOnSignals();
    })
    .parseAsync(args, { from: 'user' });
} catch (error) {
  const failure = usageError(error);
  if (failure !== undefined) shell.fail(failure);
}

function exitOnSignals(): void {
  process.once('SIGINT', () => process.exit(Exit.interrupted));
  process.once('SIGTERM', () => process.exit(Exit.terminated));
}
