import {
  checkAnswer,
  contextOutputs,
  ownOutputs,
  type Output,
} from '@holdfast/protocol/json-schema';
import * as program from './program.ts';
import * as runs from './runs.ts';
import * as status from './status.ts';
import * as store from './store.ts';
import * as verbs from './verbs.ts';

/** What `holdfast` prints for programs, by the commands that print it. */
export const agentOutputs: readonly Output[] = [
  { schema: status.status, commands: ['status'] },
  { schema: status.backlog, commands: ['backlog', 'wait'] },
  { schema: checkAnswer, commands: ['check'] },
  { schema: status.doctor, commands: ['doctor'] },
  { schema: status.nudged, commands: ['nudge'] },
  { schema: runs.runs, commands: ['workflow ls'] },
  { schema: runs.run, commands: ['workflow show', 'wait'] },
  { schema: runs.history, commands: ['workflow export'] },
  { schema: runs.journal, commands: ['journal tail'] },
  { schema: runs.journalLine, commands: ['journal tail'] },
  { schema: runs.entry, commands: ['store export', 'store salvage'] },
  { schema: runs.schedules, commands: ['schedule ls'] },
  { schema: verbs.started, commands: ['start'] },
  { schema: verbs.startedLines, commands: ['start'] },
  { schema: verbs.signalled, commands: ['signal'] },
  { schema: verbs.cancelled, commands: ['cancel'] },
  { schema: verbs.paused, commands: ['workflow pause'] },
  { schema: verbs.resumed, commands: ['workflow resume'] },
  { schema: verbs.retried, commands: ['retry', 'workflow retry'] },
  { schema: verbs.skipped, commands: ['workflow skip'] },
  { schema: verbs.forked, commands: ['fork', 'workflow fork'] },
  { schema: verbs.tokenCompleted, commands: ['complete'] },
  { schema: verbs.emitted, commands: ['emit'] },
  { schema: verbs.erased, commands: ['erase'] },
  { schema: verbs.schedulePaused, commands: ['schedule pause'] },
  { schema: verbs.scheduleResumed, commands: ['schedule resume'] },
  { schema: verbs.scheduleTriggered, commands: ['schedule trigger'] },
  { schema: verbs.enrolled, commands: ['enroll'] },
  { schema: store.storeCheck, commands: ['store check'] },
  { schema: store.journalVerify, commands: ['journal verify'] },
  { schema: store.storeSnapshot, commands: ['store snapshot'] },
  { schema: store.storeRestore, commands: ['store restore'] },
  { schema: store.storeMigrate, commands: ['store migrate'] },
  { schema: store.storeRekey, commands: ['store rekey'] },
  { schema: store.storeSalvage, commands: ['store salvage'] },
  { schema: program.ready, commands: ['run'] },
  { schema: program.diag, commands: ['diag'] },
  { schema: program.logs, commands: ['logs'] },
  { schema: program.logLine, commands: ['logs'] },
  { schema: program.config, commands: ['config list', 'config get'] },
  ...contextOutputs,
  ...ownOutputs,
];
