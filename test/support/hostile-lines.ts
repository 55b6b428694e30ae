import { Exit } from '@holdfast/protocol';
import type { Command } from 'commander';
import { hostile, mostHostile, tryHostile, type HostileTable } from './bad-lines.ts';
import { allPrograms, leavesOf, type Leaf } from './programs.ts';

/**
 * Runs a table of hostile command lines of a program that prints to its own stdout: in a process of
 * its own, of which nobody sees that. Sends what it found to its parent.
 *
 *   hostile-lines.js holdfast-gateway http://127.0.0.1:8080 TOKEN-FILE
 *   hostile-lines.js holdfast-sim
 */
const [name = '', url = '', tokenFile = ''] = process.argv.slice(2);

const answers = [
  ...[Exit.ok, Exit.failed, Exit.usage, Exit.notFound, Exit.denied, Exit.conflict, Exit.config],
];

/** Do not end, ask a person, or write where they are told to. */
const gatewayNotAsked = new Set([
  ...['serve', 'ca issue', 'broker-config', 'user add', 'user set', 'context set'],
]);

function gatewayTable(program: Command): HostileTable {
  const asks = ({ command }: Leaf) => command.options.some(({ long }) => long === '--url');
  return {
    program,
    leaves: leavesOf(program).filter((leaf) => asks(leaf) && !gatewayNotAsked.has(leaf.name)),
    values: process.env['HOSTILE'] === 'all' ? hostile : mostHostile,
    fixed: () => [`--url=${url}`, `--token-file=${tokenFile}`],
    // Which gateway it is: read in one place for all of them.
    untried: new Set([
      ...['--url', '--token-file', '--tls-ca', '--data-dir', '--ledger', '--ledger-file'],
    ]),
    codes: answers,
  };
}

/** As little as a simulation can be; `x` is no scenario. */
function simTable(program: Command): HostileTable {
  const small = ['--devices=1', '--hours=0.01'];
  const fixed: Readonly<Record<string, readonly string[]>> = {
    run: small,
    soak: ['--scenario=x'],
    size: ['--devices=1', '--entries-per-day=1'],
  };
  return {
    program,
    leaves: leavesOf(program).filter((leaf) => leaf.name in fixed),
    values: hostile,
    fixed: (leaf) => fixed[leaf.name] ?? [],
    untried: new Set(['--report', '--junit', '--html']),
    codes: answers,
  };
}

const program = (await allPrograms()).get(name);
if (program === undefined) throw new Error(`there is no program ${name}`);
const table = name === 'holdfast-sim' ? simTable(program) : gatewayTable(program);
process.send?.(await tryHostile(table));
process.disconnect();
