/** A line whose options exclude one another, and what the refusal has to name. */
export type Contradiction = readonly [line: string, ...named: string[]];

const source = ['--url http://gw', '--data-dir d', '--ledger postgres://h/d', '--ledger-file f'];
const agentTables = ['workflow ls', 'journal tail', 'schedule ls'];
const gatewayTables = ['devices --data-dir d', 'runs --data-dir d'];
const tableOptions = [
  ...['--columns run', '--sort run', '--wide', '--raw', '--time iso', '--no-header'],
];

const nameOf = (option: string): string => option.split(' ')[0] ?? '';

/** Every two of some options of a command. */
function pairs(command: string, options: readonly string[]): readonly Contradiction[] {
  return options.flatMap((left, at) =>
    options
      .slice(at + 1)
      .map((right) => [`${command} ${left} ${right}`, nameOf(left), nameOf(right)] as const),
  );
}

/** One option of a command with each of others. */
function beside(
  command: string,
  option: string,
  others: readonly string[],
): readonly Contradiction[] {
  return others.map((other) => [`${command} ${option} ${other}`, nameOf(option), nameOf(other)]);
}

/** What a table is told, where none is printed. */
function withoutTable(command: string): readonly Contradiction[] {
  return [
    ...beside(command, '--output json', tableOptions),
    ...beside(command, '--output jsonl', tableOptions),
    ...beside(command, '--columns run', ['--wide']),
  ];
}

const agent: readonly Contradiction[] = [
  ...agentTables.flatMap((command) => withoutTable(`${command} --data-dir d`)),
  ...['workflow ls', 'schedule ls'].flatMap((command) =>
    beside(`${command} --data-dir d`, '--watch', ['--output csv', '--output md']),
  ),
  ...beside('journal tail --socket s', '--follow', [...tableOptions, '--output csv']),
  ...beside('workflow ls --data-dir d', '--stuck', ['--state failed']),
  ...beside('workflow ls --data-dir d', '--since 1h', ['--until 2h']),
  ...beside('start w', '--input 1', ['--input-lines f']),
  ...beside('start w', '--input-lines f', [
    ...['--id a', '--subject s', '--on-conflict attach', '--reuse reject'],
  ]),
  ['start w --id-field a', '--id-field', '--input-lines'],
  ['start w --on-conflict attach', '--on-conflict', '--id'],
  ['start w --reuse reject', '--reuse', '--id'],
  ...pairs('wait', ['--synced', '--connected', '--run a']),
  ['complete hft_1_1_a 1 --error x', 'result', '--error'],
  ...beside('enroll --data-dir d', '--new-key', [
    ...['--renew', '--gateway http://gw', '--token-file f', '--device d'],
  ]),
  ...beside('enroll --data-dir d', '--gateway http://gw', ['--token-file f', '--renew']),
  ...beside('enroll --data-dir d', '--renew', ['--token-file f', '--device d']),
  ['enroll --data-dir d --proxy-password-file f', '--proxy-password-file', '--proxy'],
  ['doctor uplink --code f', '--code', 'uplink'],
  ['check --max-entries 1 --warn-entries 2', '--max-entries', '--warn-entries'],
  ['check --min-free 2M --warn-free 1M', '--min-free', '--warn-free'],
  ...['status', 'nudge', 'context set here'].flatMap((command) =>
    beside(command, '--socket s', ['--store-key-file f']),
  ),
  ...beside('status', '--json', ['--output text', '--output jsonl']),
  ...['proxy', 'home-assistant'].map((name): Contradiction => {
    const line = `run --data-dir d --device d --code c --${name}-password-file f`;
    return [line, `--${name}-password-file`, `--${name}`];
  }),
  ['run --data-dir d --device d --code c --link-urgent always', '--link-urgent', '--link-budget'],
];

const serve = 'serve --data-dir d';

const gateway: readonly Contradiction[] = [
  ...gatewayTables.flatMap(withoutTable),
  ...gatewayTables.flatMap((command) =>
    beside(command, '--watch', ['--output csv', '--output md']),
  ),
  ...['devices', 'token ls'].flatMap((command) => pairs(command, source)),
  ...pairs('command ls', source.slice(0, 2)),
  ...pairs('ledger rebuild', source.slice(1)),
  ...pairs('ledger migrate', source.slice(2)),
  ...pairs('ledger copy --data-dir d', source.slice(2)),
  ...pairs('context set here', [...source.slice(0, 2), '--ledger-file f']),
  ...['--token-file f', '--tls-ca f'].flatMap((option) => [
    ...beside('runs', option, source.slice(1)),
    ...beside('context set here', option, ['--data-dir d']).map(
      ([line, name = '']): Contradiction => [line, name, '--url'],
    ),
  ]),
  ...beside('devices --data-dir d', '--state offline', ['--stuck', '--offline']),
  ...['--state offline', '--stuck', '--offline', '--late', '--query device=x'].map(
    (option): Contradiction => {
      return [`devices pump-1 --data-dir d ${option}`, nameOf(option), '<device>'];
    },
  ),
  ['ledger entries --device d --data-dir d --after 1', '--after', '--lane'],
  ...pairs('command start w --data-dir d', ['--device d', '--tag a=b', '--all']),
  ['command complete t --data-dir d --all --result 1 --error x', '--result', '--error'],
  ['call requeue s 1 --all --data-dir d', 'number', '--all'],
  ['ca show --data-dir d --pem -o json', '--pem', '--output'],
  ['export --data-dir d --since 2026-03-02 --before 2026-03-01', '--since', '--before'],
  ['check --data-dir d --max-entries 1 --warn-entries 2', '--max-entries', '--warn-entries'],
  ['runs --data-dir d --json -o csv', '--json', '--output'],
  ...beside(serve, '--broker mqtt://b', ['--mqtt-port 1', '--require-certificate']),
  [`${serve} --broker-profile aws`, '--broker-profile', '--broker'],
  [`${serve} --mqtt-version 5`, '--mqtt-version', '--broker'],
  ...beside(serve, '--insecure', ['--tls-name gw', '--tls-cert f']),
  ...beside(serve, '--tls-name gw', ['--tls-cert f']),
  ...beside(`${serve} --broker mqtt://b`, '--tls-name gw', ['--http-cert f']),
  ...pairs(serve, source.slice(2)),
];

const sim: readonly Contradiction[] = [
  ...beside('run calm', '--real', ['--hours 1', '--code f']),
  ['run calm --minutes 1', '--minutes', '--real'],
  ['run calm --broker mqtt://b', '--broker', '--real'],
];

/** Lines that ask for what cannot be had together, by the program. */
export const contradictions: Readonly<Record<string, readonly Contradiction[]>> = {
  holdfast: agent,
  'holdfast-gateway': gateway,
  'holdfast-sim': sim,
};

/**
 * Where of two things that are given one goes before the other: what the help of a command says of
 * it, or that of the program.
 */
export const precedence: readonly (readonly [program: string, command: string, said: RegExp])[] = [
  ['holdfast', '', /given twice the last one counts/],
  ['holdfast', '', /given --data-dir; with --socket beside it that is asked first/],
  ['holdfast-gateway', '', /given twice the last one counts, unless it is repeatable/],
  ['holdfast-sim', '', /given twice the last one counts/],
  ['holdfast', 'context', /--socket and --data-dir go before --context, that before HOLDFAST_/],
  ['holdfast', 'run', /by its option, else by its variable, else by its line/],
  ['holdfast', 'check', /limit of what is not among the subjects counts for nothing/],
  ['holdfast-gateway', 'context', /--url, --data-dir and --ledger go before --context/],
  ['holdfast-gateway', 'serve', /An option goes before its line in the file of --config/],
  ['holdfast-gateway', 'check', /limit of what is not among the subjects counts for nothing/],
  ['holdfast-gateway', 'broker-config', /option that a file has no place for changes nothing/],
];
