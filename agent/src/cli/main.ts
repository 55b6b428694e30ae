import { Exit, fitSigns } from '@holdfast/protocol/base';
import { otherProgram, runOther } from './other-program.ts';
import { plainLine } from './plain-line.ts';
import { processShell } from './shell.ts';

fitSigns(process);
const args = process.argv.slice(2);
const shell = processShell({ debug: args.includes('--debug') });

async function main(): Promise<void> {
  try {
    const other = otherProgram(args);
    if (other !== undefined) {
      process.exitCode = await runOther(other, args.slice(1));
      return;
    }
    const plain = plainLine(args);
    if (plain !== undefined) await plain(shell);
    else await (await import('./program.ts')).runProgram(shell, args);
  } catch (error) {
    shell.fail(error);
  }
}

process.exitCode = Exit.ok;
// The agent closes in order, and so may another program; whatever else is interrupted just puts the
// terminal back.
if (otherProgram(args) === undefined && args.find((arg) => !arg.startsWith('-')) !== 'run') {
  process.once('SIGINT', () => process.exit(Exit.interrupted));
  process.once('SIGTERM', () => process.exit(Exit.terminated));
}
void main();
