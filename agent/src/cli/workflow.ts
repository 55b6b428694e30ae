import type { Command } from 'commander';
import type { Shell } from './shell.ts';
import { addWorkflowExport } from './workflow-export.ts';
import { addWorkflowFork } from './workflow-fork.ts';
import { addWorkflowLs } from './workflow-ls.ts';
import { addWorkflowPause, addWorkflowResume, addWorkflowRetry } from './workflow-hold.ts';
import { addWorkflowShow } from './workflow-show.ts';
import { addWorkflowSkip } from './workflow-skip.ts';

export function addWorkflow(program: Command, shell: Shell): void {
  const workflow = program.command('workflow').description('Look at runs and repair them.');
  addWorkflowLs(workflow, shell);
  addWorkflowShow(workflow, shell);
  addWorkflowRetry(workflow, shell);
  addWorkflowSkip(workflow, shell);
  addWorkflowFork(workflow, shell);
  addWorkflowPause(workflow, shell);
  addWorkflowResume(workflow, shell);
  addWorkflowExport(workflow, shell);
}
