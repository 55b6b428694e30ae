/** Pages whose commands are run by something else, or by nobody, and why. */
export const elsewhere: ReadonlyMap<string, string> = new Map([
  ['README.md', 'test/system/readme.test.ts types it'],
  ['docs/start/tutorial.md', 'test/system/tutorial.test.ts types it'],
  ['docs/install/raspberry-pi.md', 'npm run check:packages does so in a Debian 13'],
  ['docs/install/container.md', 'it takes an engine for containers'],
  ['docs/SIMULATION.md', 'tests of the simulator do, in a shorter form: these take many minutes'],
  ['test/second-device/README.md', 'test/system/second-device.test.ts does'],
]);

/**
 * What would change the machine, takes many minutes, or needs a program or a database that a
 * machine for tests need not have: not begun.
 */
export const notBegun =
  /(?:^|\s)(?:systemctl|systemd-creds|adduser|apt|docker|gpiomon|esbuild)\s|--measure|--ledger/;

/** Commands that are refused here, and what they are told: pages name what only a reader has. */
export const refused: readonly (readonly [command: RegExp, code: string])[] = [
  [/command show cmd-…/, 'HF_COMMAND_UNKNOWN'],
  [/token revoke 0123456789abcdef/, 'HF_API_TOKEN_UNKNOWN'],
  [/webhook (?:test|remove) wh-0123456789/, 'HF_WEBHOOK_UNKNOWN'],
  [/webhook add https:\/\/hooks\.example/, 'HF_WEBHOOK_TARGET'],
  [/pair approve 7F3K-Q2/, 'HF_PAIRING_UNKNOWN'],
  [/ca init /, 'HF_STORE_LOCKED'],
  [/call requeue mail\.send/, 'HF_CALL_UNKNOWN'],
  [/call fail mail\.send 17/, 'HF_CALL_UNKNOWN'],
  [/erase --data-dir \.\/data --subject customer-42/, 'HF_SUBJECT_NEEDED'],
  [/serve --config \/etc\/holdfast\/gateway\.toml/, 'HF_CONFIG_INVALID'],
  [/complete TOKEN /, 'HF_TOKEN_INVALID'],
  [/store rekey --data-dir DIR/, 'HF_DATA_DIR_MISSING'],
];

/** A command of a page, with what stands in it for something of the reader's. */
export function substituted(line: string, dir: string, isExample: boolean): string {
  const own = isExample ? [] : placesIn(dir);
  const all = [['sudo ', ''], ['npx ', ''], ...own] as const;
  return all.reduce((text, [from, to]) => text.replaceAll(from, to), line);
}

function placesIn(dir: string): readonly (readonly [string, string])[] {
  return [
    ['/etc/holdfast', `${dir}/etc`],
    ['/etc/mosquitto/conf.d', `${dir}/etc`],
    ['/etc/mosquitto', `${dir}/etc`],
    ['/var/lib/holdfast-gateway', `${dir}/gateway`],
    ['/var/lib/holdfast', `${dir}/data`],
    ['/var/lib/node_exporter', `${dir}/node_exporter`],
    ['/mnt/backup', `${dir}/backup`],
    ['https://gw.example:8080', 'http://127.0.0.1:8080'],
  ];
}
