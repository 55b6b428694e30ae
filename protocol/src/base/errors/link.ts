import type { ErrorSpec } from './spec.ts';

/** Failures of processes, sockets and what passes between device and gateway. */
export const linkErrors = {
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
  HF_AGENT_OLDER: {
    message: 'The agent that runs is older than this command line',
    retry: 'restart',
    hint: 'Restart it, as by `sudo systemctl restart holdfast`, so that it is of this version.',
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
    hint: 'Write it as mqtt://host:port, mqtts://host:port, ws://host/path or wss://host/path.',
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
  HF_PROXY_UNUSABLE: {
    message: 'The proxy makes no way to the gateway',
    retry: 'later',
    hint: 'Check --proxy and --proxy-password-file; ask who runs it to let that port through.',
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
    message: 'The ledger has what this journal has not: the device was set back',
    retry: 'restart',
    hint: 'It goes on in a new epoch; the ledger keeps both. Find out who restored an old copy.',
  },
  HF_LEDGER_FAILED: {
    message: 'The ledger could not reach stable storage',
    retry: 'restart',
    hint: 'Check free space and the kernel log, then start the gateway again; devices send again.',
  },
  HF_LEDGER_UNAVAILABLE: {
    message: 'The database of the ledger cannot be used now',
    retry: 'later',
    hint: 'Devices keep what is not acknowledged. Start the database, or mend the way to it.',
  },
  HF_LEDGER_BEHIND: {
    message: 'The ledger asks for entries that this device no longer keeps',
    retry: 'never',
    hint: 'The gateway was set back to an older state; restore the newest copy of its ledger.',
  },
  HF_CHAIN_BROKEN: {
    message: 'The hash chain of a lane is not the one that the ledger holds',
    retry: 'restart',
    hint: 'An entry was changed after both sides had it. Run `journal verify` and `ledger verify`.',
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
  HF_ENTRY_UNSENDABLE: {
    message: 'An entry is larger than any message that the broker takes, or not readable there',
    retry: 'never',
    hint: 'It stays on this device: `holdfast journal` shows it. Keep large things in files.',
  },
  HF_SIGNATURE_INVALID: {
    message: 'A message is not signed by the key that is known for its sender',
    retry: 'never',
    hint: 'If the device was made anew, accept its new key with `holdfast-gateway rekey`.',
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
