/** What the caller may do: try later, never try the same again, or restart the process. */
export type Retry = 'later' | 'never' | 'restart';

export interface ErrorSpec {
  readonly message: string;
  readonly retry: Retry;
  readonly hint: string;
}

/** Every failure we expect. Codes are API and are never renamed; messages may change. */
export const errorCatalogue = {
  HF_USAGE: {
    message: 'The command line is not right',
    retry: 'never',
    hint: 'Add --help to the command to see what it takes.',
  },
  HF_CONFIG_INVALID: {
    message: 'A setting has a value that it cannot have',
    retry: 'never',
    hint: 'Correct the setting that is named and start again.',
  },
  HF_CODE_UNREADABLE: {
    message: 'The file with the workflows could not be loaded',
    retry: 'never',
    hint: 'Check the path given with --code; the file must be an ES module that exports workflows.',
  },
  HF_INPUT_INVALID: {
    message: 'The input is not valid JSON',
    retry: 'never',
    hint: 'Quote it for the shell, as in --input \'{"id":"A-1"}\', or use --input @file.json.',
  },
  HF_LINES_REFUSED: {
    message: 'Some lines did not start a run',
    retry: 'never',
    hint: 'Mend the lines named above and feed the file again: nothing is started twice.',
  },
  HF_DATA_DIR_UNUSABLE: {
    message: 'The data directory cannot be used',
    retry: 'never',
    hint: 'Give a directory that this user can write to, with --data-dir.',
  },
  HF_DATA_DIR_MISSING: {
    message: 'There is no Holdfast data in this directory',
    retry: 'never',
    hint: 'Check --data-dir; `holdfast run` and `holdfast-gateway serve` make a new one.',
  },
  HF_DATA_DIR_OTHER_DEVICE: {
    message: 'The data directory belongs to another device',
    retry: 'never',
    hint: 'Use the device id that it was made for, or another --data-dir.',
  },
  HF_STORE_LOCKED: {
    message: 'Another process has this data directory open',
    retry: 'later',
    hint: 'Stop the other one, or talk to it with --socket or --url.',
  },
  HF_STORE_DAMAGED: {
    message: 'The store does not open',
    retry: 'never',
    hint: 'Start the agent: it moves the store aside as it is and goes on with what can be read.',
  },
  HF_STORE_SALVAGED: {
    message: 'The store was damaged, and what could be read of it was moved into a new one',
    retry: 'never',
    hint: 'Check the disk. Keep what was moved aside while it may be needed, then delete it.',
  },
  HF_STORE_FORMAT: {
    message: 'The store was written by a newer version',
    retry: 'never',
    hint: 'Install the version that wrote it, or a newer one. Nothing was changed.',
  },
  HF_JOURNAL_FAILED: {
    message: 'The journal could not reach stable storage',
    retry: 'restart',
    hint: 'Check free space and the kernel log; the agent replays from disk when it starts.',
  },
  HF_JOURNAL_BUSY: {
    message: 'More is waiting to be journaled than memory is set aside for',
    retry: 'later',
    hint: 'Slow down: wait for earlier calls to resolve before making new ones.',
  },
  HF_ENTRY_DAMAGED: {
    message: 'A stored entry is not what was written',
    retry: 'never',
    hint: 'Run the verify command of the side that reports it; the named range is affected.',
  },
  HF_VALUE_UNSUPPORTED: {
    message: 'A value of this kind cannot be stored',
    retry: 'never',
    hint: 'Return plain data: numbers, strings, arrays, objects, dates, maps, sets, bytes, errors.',
  },
  HF_VALUE_CIRCULAR: {
    message: 'A value that contains itself cannot be stored',
    retry: 'never',
    hint: 'Return a copy without the reference back to its parent.',
  },
  HF_VALUE_TOO_LARGE: {
    message: 'The value is larger than one entry may be',
    retry: 'never',
    hint: 'Store it in a file or an object store and journal a reference to it.',
  },
  HF_NAME_INVALID: {
    message: 'The name is not usable',
    retry: 'never',
    hint: 'Use 1 to 128 characters, none of them control characters.',
  },
  HF_DURATION_INVALID: {
    message: 'The duration is not usable',
    retry: 'never',
    hint: "Give milliseconds as a number ≥ 0, or text such as '250ms', '30s', '15m', '3h', '2d'.",
  },
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
  HF_STORE_RECREATED: {
    message: 'The store was missing and a new one was made',
    retry: 'never',
    hint: 'What it held and the ledger does not have is lost; find out what removed it.',
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
  HF_SIGNAL_REFUSED: {
    message: 'The workflow does not take this signal',
    retry: 'never',
    hint: 'Send the payload that the workflow checks for; the cause says what is wrong with it.',
  },
  HF_CALL_FAILED: {
    message: 'The handler at the gateway failed',
    retry: 'never',
    hint: 'The cause is the error that the handler gave.',
  },
  HF_CALL_TIMEOUT: {
    message: 'No result of the call came within its timeout',
    retry: 'never',
    hint: 'Raise the timeout of the call; while offline, time passes too.',
  },
  HF_CALL_UNHANDLED: {
    message: 'No handler for this service is registered at the gateway',
    retry: 'later',
    hint: 'Start the gateway with --handler NAME=URL or --handlers FILE; the call waits.',
  },
  HF_HANDLERS_UNREADABLE: {
    message: 'The file with the handlers could not be loaded',
    retry: 'never',
    hint: 'Check --handlers: a module with `export const handlers = { name: async (input) => … }`.',
  },
  HF_HANDLER_TIMEOUT: {
    message: 'An attempt of the handler took longer than it may',
    retry: 'later',
    hint: 'Let the handler end when its signal aborts, and look at what it waits for.',
  },
  HF_HANDLER_UNAVAILABLE: {
    message: 'The handler could not be reached or asked to be tried later',
    retry: 'later',
    hint: 'Check that the service at its URL runs and answers with 2xx.',
  },
  HF_HANDLER_REFUSED: {
    message: 'The handler refused the call',
    retry: 'never',
    hint: 'The status and the answer say why; the same input will be refused again.',
  },
  HF_HANDLER_ANSWER: {
    message: 'The answer of the handler cannot be used',
    retry: 'never',
    hint: 'Answer with one JSON value of at most 48 KiB, or with an empty body.',
  },
  HF_GATEWAY_CLOSED: {
    message: 'The gateway is closed',
    retry: 'restart',
    hint: 'Start it again on the same data directory; what was not finished is done then.',
  },
  HF_WAIT_TIMEOUT: {
    message: 'What was waited for did not happen in time',
    retry: 'later',
    hint: 'Wait longer with --timeout, or look at `holdfast status`.',
  },
  HF_AGENT_UNREACHABLE: {
    message: 'No agent answers',
    retry: 'later',
    hint: 'Start it with `holdfast run`, or give --data-dir to read the store of a stopped agent.',
  },
  HF_AGENT_CLOSED: {
    message: 'The agent is closed',
    retry: 'restart',
    hint: 'Open a new one on the same data directory; nothing that was journaled is lost.',
  },
  HF_REQUEST_INVALID: {
    message: 'The request is not one that is answered here',
    retry: 'never',
    hint: 'Check the path, the method, the parameters and the size of the body.',
  },
  HF_SOCKET_TAKEN: {
    message: 'Another agent listens on this socket',
    retry: 'never',
    hint: 'Stop the other agent, or give this one a socket of its own with --socket.',
  },
  HF_INTERNAL: {
    message: 'A fault in Holdfast itself',
    retry: 'later',
    hint: 'The log of the process that reports it says more; please report it.',
  },
  HF_GATEWAY_ADDRESS: {
    message: 'The address of the gateway is not usable',
    retry: 'never',
    hint: 'Write it as mqtt://host:port or mqtts://host:port.',
  },
  HF_GATEWAY_UNREACHABLE: {
    message: 'No gateway answers',
    retry: 'later',
    hint: 'Check the address and that `holdfast-gateway serve` runs there.',
  },
  HF_GATEWAY_SILENT: {
    message: 'The broker answers but the gateway does not',
    retry: 'later',
    hint: 'Check that the gateway runs and that the broker lets this device publish and subscribe.',
  },
  HF_GATEWAY_UNTRUSTED: {
    message: 'No trusted TLS connection to the gateway could be made',
    retry: 'later',
    hint: 'Check the clock of this device, the CA it trusts and the certificate of the broker.',
  },
  HF_BROKER_REFUSED: {
    message: 'The broker refuses this device',
    retry: 'later',
    hint: 'Check that the broker knows this device id and lets it use its own topics.',
  },
  HF_LINK_LOST: {
    message: 'The connection to the broker was lost',
    retry: 'later',
    hint: 'Nothing to do: the device connects again by itself, and nothing is lost.',
  },
  HF_PORT_TAKEN: {
    message: 'The port is taken',
    retry: 'never',
    hint: 'Stop what listens there, choose another port, or give 0 to let the system choose.',
  },
  HF_PROCESS_FAILED: {
    message: 'A process of the scenario did not start',
    retry: 'never',
    hint: 'Its last lines are shown; run `npm run build` if the code has changed.',
  },
  HF_DEVICE_UNKNOWN: {
    message: 'This gateway has never seen that device',
    retry: 'never',
    hint: 'List the devices with `holdfast-gateway devices`.',
  },
  HF_IDENTITY_CONFLICT: {
    message: 'Two agents use the identity of one device',
    retry: 'later',
    hint: 'Give one of them another device id and a data directory of its own.',
  },
  HF_JOURNAL_REWOUND: {
    message: 'The ledger has more of this journal than the device',
    retry: 'never',
    hint: 'The device was set back to an older state; keep its data directory and ask for help.',
  },
  HF_LEDGER_FAILED: {
    message: 'The ledger could not reach stable storage',
    retry: 'restart',
    hint: 'Check free space and the kernel log, then start the gateway again; devices send again.',
  },
  HF_LEDGER_BEHIND: {
    message: 'The ledger asks for entries that this device no longer keeps',
    retry: 'never',
    hint: 'The gateway was set back to an older state; restore the newest copy of its ledger.',
  },
  HF_CHAIN_BROKEN: {
    message: 'The hash chain of a lane does not continue what the ledger holds',
    retry: 'never',
    hint: 'An entry was changed after it was journaled; run `holdfast-gateway ledger verify`.',
  },
  HF_MESSAGE_INVALID: {
    message: 'A message is not of the protocol',
    retry: 'never',
    hint: 'Check that both ends are Holdfast and that their versions go together.',
  },
  HF_MESSAGE_TOO_LARGE: {
    message: 'A message is larger than this side takes',
    retry: 'never',
    hint: 'The peer does not keep to the limits it was told.',
  },
  HF_SIGNATURE_INVALID: {
    message: 'A message is not signed by the key that is known for its sender',
    retry: 'never',
    hint: 'If the device was made anew, remove its old key at the gateway first.',
  },
  HF_KEY_UNUSABLE: {
    message: 'A key file cannot be used',
    retry: 'never',
    hint: 'Restore the file that is named from a copy; a new key would be that of another device.',
  },
  HF_VERSION_UNSUPPORTED: {
    message: 'The two ends have no protocol version in common',
    retry: 'never',
    hint: 'Upgrade the older side.',
  },
  HF_EPOCH_UNKNOWN: {
    message: 'The message belongs to a session or epoch that is not open',
    retry: 'later',
    hint: 'Nothing to do: the device greets the gateway again.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface HoldfastErrorOptions {
  /** What exactly was wrong, in a sentence for the person who must mend it. */
  readonly why?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A failure we expect and handle. Branch on `code` or `retry`, never on `message`. */
export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly hint: string;
  readonly why: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: HoldfastErrorOptions = {}) {
    const spec = errorCatalogue[code];
    const what = options.why === undefined ? spec.message : `${spec.message}: ${options.why}`;
    super(`${what} (${code})`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retry = spec.retry;
    this.hint = spec.hint;
    this.why = options.why;
    this.details = Object.freeze({ ...options.details });
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorCatalogue, text);
}

/** The code of a failure, if it has one. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof HoldfastError ? error.code : undefined;
}

/** A sentence for a person, whatever was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return error.message === '' ? error.name : error.message;
    return String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}
