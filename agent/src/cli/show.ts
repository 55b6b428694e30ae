import { Exit } from '@holdfast/protocol/base';
import { backlogScreen } from './backlog-screen.ts';
import type { Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { statusScreen } from './status-screen.ts';
import { readAgent, type TargetFlags } from './target.ts';

/** Whose state is shown, and how. */
export interface ShowFlags extends TargetFlags {
  /** Default: `text`. */
  readonly output?: Format;
}

export async function showStatus(shell: Shell, flags: ShowFlags): Promise<void> {
  const status = await readAgent(shell, flags, (agent) => agent.status());
  shell.print(isText(flags) ? statusScreen(status, shell) : JSON.stringify(status));
  if (status.journal.state !== 'ok') process.exitCode = Exit.failed;
}

export async function showBacklog(shell: Shell, flags: ShowFlags): Promise<void> {
  const backlog = await readAgent(shell, flags, (agent) => agent.backlog({ parts: true }));
  shell.print(isText(flags) ? backlogScreen(backlog, shell) : JSON.stringify(backlog));
}

function isText({ output = 'text' }: ShowFlags): boolean {
  return output === 'text';
}
