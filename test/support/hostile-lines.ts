import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent } from '@holdfast/agent';
import { createSocketServer } from '@holdfast/agent/internal';
import type { Command } from 'commander';
import { badPaths, hostile, mostHostile, tryHostile, type HostileTable } from './bad-lines.ts';
import { gatewayTable } from './hostile-gateway.ts';
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

const none: ReadonlySet<string> = new Set();

function tableOf(program: Command, given: Partial<HostileTable>): HostileTable {
  return {
    ...{ program, leaves: leavesOf(program), values: () => hostile, fixed: () => [] },
    ...{ words: () => undefined, untried: () => none, typed: [], ...given },
  };
}

/** Say which agent it is. */
const whichAgent: ReadonlySet<string> = new Set([
  ...['--socket', '--data-dir', '--store-key-file', '--context'],
]);

/** One command of each way to read them: for an agent, for either, for a store, for their own. */
const readWays: ReadonlySet<string> = new Set([
  ...['nudge', 'status', 'journal tail', 'store check', 'store restore', 'store salvage'],
  ...['store rekey', 'context set', 'run', 'enroll', 'config lint', 'check'],
]);

const fixedForAgent: Readonly<Record<string, readonly string[]>> = {
  run: ['--data-dir=d', '--device=d', '--code=missing.mjs'],
  wait: ['--socket=agent.sock', '--timeout=10ms'],
  erase: ['--socket=agent.sock', '--yes'],
  enroll: ['--data-dir=d'],
  doctor: ['--socket=agent.sock', 'config'],
};

/** Where the agent is, or its store, beside an option that is tried. */
function agentOf(leaf: Leaf, option: string | undefined): readonly string[] {
  const { name: typed, command } = leaf;
  const takes = (long: string) => command.options.some((each) => each.long === long);
  if (typed in fixedForAgent) return fixedForAgent[typed] ?? [];
  if (typed.startsWith('config')) return ['--config=agent.toml'];
  if (option === '--store-key-file') return takes('--data-dir') ? ['--data-dir=lived'] : [];
  // A socket that answers would be asked instead.
  if (option !== undefined && whichAgent.has(option)) return [];
  if (takes('--socket')) return ['--socket=agent.sock'];
  return takes('--data-dir') ? ['--data-dir=nowhere'] : [];
}

function valuesOf({ name: typed }: Leaf): readonly string[] {
  if (typed === 'diag' || typed === 'doctor') return badPaths;
  // `config lint` and `run` read the same.
  return typed === 'config list' || typed === 'config get' ? mostHostile : hostile;
}

/** An agent that answers, for those that ask one; for the others, what ends them at once. */
async function agentTable(program: Command): Promise<HostileTable> {
  const log = { error: () => undefined, info: () => undefined, debug: () => undefined };
  const surface = new ScriptedSurface();
  const server = await createSocketServer({ path: 'agent.sock', surface, log });
  process.once('disconnect', () => void server.close());
  writeFileSync('agent.toml', 'device = "pump-1"\n');
  await (await Agent.open({ dataDir: 'lived', device: 'pump-1', workflows: [] })).close();
  return tableOf(program, {
    values: valuesOf,
    fixed: agentOf,
    untried: ({ name: leaf }) => (readWays.has(leaf) ? none : whichAgent),
    words: ({ name: leaf }) => (leaf.startsWith('config') ? ['retention', '7d'] : undefined),
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
  'holdfast-gateway': (program) => gatewayTable(program, { url, tokenFile }),
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
