import type { Command } from 'commander';
import { addJournalTail } from './journal-tail.ts';
import { addJournalVerify } from './journal-verify.ts';
import type { Shell } from './shell.ts';

export function addJournal(program: Command, shell: Shell): void {
  const journal = program.command('journal').description('Look at the journal.');
  addJournalTail(journal, shell);
  addJournalVerify(journal, shell);
}
