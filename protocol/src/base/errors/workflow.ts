import type { ErrorSpec } from './spec.ts';

/** Failures of workflows, runs, steps and schedules. */
export const workflowErrors = {
  HF_CRON_INVALID: {
    message: 'The cron expression is not usable',
    retry: 'never',
    hint: "Use five or six fields, for example '*/5 * * * *'.",
  },
  HF_SCHEDULE_UNKNOWN: {
    message: 'There is no schedule of this id in the running code',
    retry: 'never',
    hint: 'List them with `holdfast schedule ls`.',
  },
  HF_SCHEDULE_DUPLICATE: {
    message: 'There is a schedule of this id already',
    retry: 'never',
    hint: 'Give one of them an id of its own: without one it has the name of its workflow.',
  },
  HF_SCHEDULE_OVERLAP: {
    message: 'The schedule lets no two of its runs be at work',
    retry: 'later',
    hint: 'Wait for its last run to end, or cancel that.',
  },
  HF_WORKFLOW_UNKNOWN: {
    message: 'No workflow of this name is registered',
    retry: 'never',
    hint: 'Export it from the file given with --code, or check the spelling.',
  },
  HF_WORKFLOW_DUPLICATE: {
    message: 'Two workflows have the same name and version',
    retry: 'never',
    hint: 'Give each workflow its own name, and each change of it a version.',
  },
  HF_RUN_UNKNOWN: {
    message: 'There is no run with this id',
    retry: 'never',
    hint: 'List runs with `holdfast workflow ls --all`.',
  },
  HF_RUN_AMBIGUOUS: {
    message: 'Several runs have ids that begin like this',
    retry: 'never',
    hint: 'Give more of the id, or all of it.',
  },
  HF_RUN_CONFLICT: {
    message: 'A run with this id exists, of another workflow or with another input',
    retry: 'never',
    hint: 'Choose another id, or leave the id out to get a new one.',
  },
  HF_RUN_FINISHED: {
    message: 'The run has already ended',
    retry: 'never',
    hint: 'Look at it with `holdfast workflow show`.',
  },
  HF_RUN_STUCK: {
    message: 'A run cannot go on without a person',
    retry: 'never',
    hint: 'See which and why with `holdfast workflow ls` and `holdfast workflow show RUN`.',
  },
  HF_RUN_FAILED: {
    message: 'The run failed',
    retry: 'never',
    hint: 'The cause says why; `holdfast workflow show` has the steps.',
  },
  HF_RUN_CANCELLED: {
    message: 'The run was cancelled',
    retry: 'never',
    hint: 'Start it again under a new id if it is still wanted.',
  },
  HF_CODE_MISMATCH: {
    message: 'The workflow code does not match what this run has journaled',
    retry: 'never',
    hint: 'Bring back the code the run was started with; it goes on where it stopped.',
  },
  HF_STEP_FAILED: {
    message: 'The step failed in every attempt',
    retry: 'never',
    hint: 'The cause is the last error of the step.',
  },
  HF_STEP_TIMEOUT: {
    message: 'An attempt of the step took longer than its timeout',
    retry: 'later',
    hint: 'Raise the timeout, or let the step end when its signal aborts.',
  },
  HF_RETRY_POLICY: {
    message: 'The retry policy of a step failed',
    retry: 'never',
    hint: 'Mend its retryIf or delay: a delay is undefined, or a duration from 0.',
  },
  HF_STEP_INTERRUPTED: {
    message: 'The device stopped while a step that runs at most once was at work',
    retry: 'never',
    hint: 'Its effect may have happened: find out, then complete or compensate it in the code.',
  },
  HF_CHILD_FAILED: {
    message: 'The child run did not complete',
    retry: 'never',
    hint: 'Look at the child with `holdfast workflow show`.',
  },
  HF_MAP_FAILED: {
    message: 'Too many items of a map failed',
    retry: 'never',
    hint: 'The cause has the failures; see minSuccessful and toleratedFailures.',
  },
  HF_COMPENSATION_FAILED: {
    message: 'A step could not be undone',
    retry: 'never',
    hint: 'Undo by hand what the cause names; the others were undone.',
  },
  HF_CONDITION_UNKNOWN: {
    message: 'There is no condition of this name',
    retry: 'never',
    hint: "Use 'online', 'unmetered', 'reachable(host:port)', or one given to Agent.open.",
  },
  HF_TOKEN_INVALID: {
    message: 'The token completes no step that waits',
    retry: 'never',
    hint: 'The step has ended already, or the token was cut off when it was copied.',
  },
  HF_RUN_STATE: {
    message: 'The run is not in a state in which this can be done',
    retry: 'never',
    hint: 'Look at it with `holdfast workflow show`.',
  },
  HF_REPLY_FORGOTTEN: {
    message: 'The command was executed before, and its reply is not kept any more',
    retry: 'never',
    hint: 'It counts once. Read the state of the entity instead.',
  },
  HF_RUN_QUARANTINED: {
    message: 'The process ended several times while this run was at work',
    retry: 'never',
    hint: 'Mend its code or its step, then `holdfast workflow retry`.',
  },
  HF_RUN_IN_DOUBT: {
    message: 'The last entries of this run may have been lost with a damaged store',
    retry: 'never',
    hint: 'Look how far it came; `holdfast workflow retry` may repeat a step that had ended.',
  },
  HF_STEP_NESTED: {
    message: 'A step was started inside another step',
    retry: 'never',
    hint: 'Call ctx only from the workflow itself; move the inner step out.',
  },
  HF_CONTEXT_CLOSED: {
    message: 'The context was used after its run had ended or was put away',
    retry: 'never',
    hint: 'Await only promises of ctx in a workflow; put timers and requests into steps.',
  },
  HF_BRANCH_FAILED: {
    message: 'A branch of the workflow that nobody awaits failed',
    retry: 'never',
    hint: 'Await every branch, or catch what it throws; the cause is the error.',
  },
  HF_SUBJECT_NEEDED: {
    message: 'Runs that have not ended need what is to be erased',
    retry: 'later',
    hint: 'Wait for them to end, or let --force end them: they cannot go on without it.',
  },
  HF_SIGNAL_REFUSED: {
    message: 'The workflow does not take this signal',
    retry: 'never',
    hint: 'Send the payload that the workflow checks for; the cause says what is wrong with it.',
  },
} as const satisfies Record<string, ErrorSpec>;
