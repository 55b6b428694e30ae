import { mkdirSync, writeFileSync } from 'node:fs';
import { createSocketServer } from '@holdfast/agent/internal';
import type { Command } from 'commander';
import { hostile, mostHostile, tryHostile, type HostileTable } from './bad-lines.ts';
import { allPrograms, leavesOf, type Leaf } from './programs.ts';
import { ScriptedSurface } from './scripted-surface.ts';

/**
 * Runs a table of hostile command lines of a program: in a process of its own, of which nobody sees
 * what it prints, in a directory of its own, for what is written where it is told. Sends what it
 * found to its parent.
 *
 *   hostile-lines.js holdfast
 *   hostile-lines.js holdfast-gateway http://127.0.0.1:8080 TOKEN-FILE
 *   hostile-lines.js holdfast-sim
 */
const [name = '', url = '', tokenFile = ''] = process.argv.slice(2);

/** What they do takes its time. */
const some: readonly string[] = ['', '../../no/such/place', 'a\u0000b'];

const none: ReadonlySet<string> = new Set();

function tableOf(program: Command, given: Partial<HostileTable>): HostileTable {
  return {
    ...{ program, leaves: leavesOf(program), values: () => hostile, fixed: () => [] },
    ...{ words: () => undefined, untried: () => none, ...given },
  };
}

/** Say which agent it is: read in one place for all. */
const whichAgent: ReadonlySet<string> = new Set([
  ...['--socket', '--data-dir', '--store-key-file', '--context'],
]);

/** An agent that answers, for those that ask one; for the others, what ends them at once. */
async function agentTable(program: Command): Promise<HostileTable> {
  const log = { error: () => undefined, info: () => undefined, debug: () => undefined };
  const surface = new ScriptedSurface();
  const server = await createSocketServer({ path: 'agent.sock', surface, log });
  process.once('disconnect', () => void server.close());
  writeFileSync('agent.toml', 'device = "pump-1"\n');
  const fixed: Readonly<Record<string, readonly string[]>> = {
    run: ['--data-dir=d', '--device=d', '--code=missing.mjs'],
    wait: ['--socket=agent.sock', '--timeout=10ms'],
    erase: ['--socket=agent.sock', '--yes'],
    enroll: ['--data-dir=d'],
    doctor: ['--socket=agent.sock', 'config'],
  };
  const isSlow = (leaf: Leaf) => leaf.name === 'diag' || leaf.name === 'doctor';
  const takes = ({ command }: Leaf, option: string) =>
    command.options.some(({ long }) => long === option);
  return tableOf(program, {
    values: (leaf) => (isSlow(leaf) ? some : hostile),
    fixed: (leaf) => {
      if (leaf.name in fixed) return fixed[leaf.name] ?? [];
      if (leaf.name.startsWith('config')) return ['--config=agent.toml'];
      if (takes(leaf, '--socket')) return ['--socket=agent.sock'];
      return takes(leaf, '--data-dir') ? ['--data-dir=nowhere'] : [];
    },
    untried: (leaf) => (leaf.name === 'status' ? none : whichAgent),
    words: ({ name: leaf }) => (leaf.startsWith('config') ? ['retention', '7d'] : undefined),
  });
}

/** Say which gateway it is: read in one place for all. */
const whose: ReadonlySet<string> = new Set([
  ...['--url', '--token-file', '--tls-ca', '--data-dir', '--ledger', '--ledger-file'],
  ...['--context', '--watch'],
]);

/** Do not end, ask a person, or write where they are told to. */
const gatewayNotAsked = new Set([
  ...['serve', 'ca issue', 'broker-config', 'user add', 'user set', 'context set'],
]);

function gatewayTable(program: Command): HostileTable {
  const asks = ({ command }: Leaf) => command.options.some(({ long }) => long === '--url');
  return tableOf(program, {
    leaves: leavesOf(program).filter((leaf) => asks(leaf) && !gatewayNotAsked.has(leaf.name)),
    values: () => (process.env['HOSTILE'] === 'all' ? hostile : mostHostile),
    fixed: () => [`--url=${url}`, `--token-file=${tokenFile}`],
    untried: () => whose,
  });
}

/** As little as a simulation can be. */
function simTable(program: Command): HostileTable {
  const fixed: Readonly<Record<string, readonly string[]>> = {
    run: ['--devices=1', '--hours=0.01'],
    soak: ['--scenario=x'],
    size: ['--devices=1', '--entries-per-day=1'],
    device: ['--gateway=nobody'],
  };
  return tableOf(program, {
    fixed: (leaf) => fixed[leaf.name] ?? [],
    // What it takes, it simulates.
    values: (leaf) => (leaf.name === 'run' ? mostHostile : hostile),
    words: (leaf) => (leaf.name === 'run' ? ['calm'] : undefined),
  });
}

type TableOf = (program: Command) => HostileTable | Promise<HostileTable>;

const tables: Readonly<Record<string, TableOf>> = {
  holdfast: agentTable,
  'holdfast-gateway': gatewayTable,
  'holdfast-sim': simTable,
};

// Some commands end their process, once they have said what they had to say.
process.exit = (() => undefined) as never;
mkdirSync('deep/enough', { recursive: true });
process.chdir('deep/enough');
const program = (await allPrograms()).get(name);
const table = tables[name];
if (program === undefined || table === undefined) throw new Error(`there is no program ${name}`);
process.send?.(await tryHostile(await table(program)));
process.disconnect();
