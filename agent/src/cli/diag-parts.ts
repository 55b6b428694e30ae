import { execFile } from 'node:child_process';
import { arch, cpus, freemem, loadavg, platform, release, totalmem, uptime } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { agentVersion } from '../agent-version.ts';
import type { LogRow } from '../core/kept-log.ts';
import type { JournalRow, RunView } from '../core/views.ts';
import type { DiagFlags } from './diag.ts';
import { PLUGIN_DIR, pluginParts } from './diag-plugins.ts';
import { examination } from './examination.ts';
import type { ArchiveFile } from './tar-archive.ts';
import { findSettings } from './settings.ts';
import type { Shell } from './shell.ts';
import { readAgent, withAgent } from './target.ts';

export type DiagPart = ArchiveFile;

const ROWS_MAX = 1_000;
const LOG_LINES_MAX = 2_000;
const RUNS_MAX = 1_000;
const UNIT_MS_MAX = 5_000;

/** What goes into the archive; what cannot be had is said in its place. */
export async function diagParts(
  shell: Shell,
  flags: DiagFlags,
  self: Command,
): Promise<readonly DiagPart[]> {
  const making: Readonly<Record<string, () => Promise<string>>> = {
    'machine.json': async () => json(machine()),
    'doctor.json': async () => json((await examination(shell, flags, self)).map(withoutWords)),
    'config.json': async () => json(Object.fromEntries(await findSettings(self))),
    'environment.json': async () => json(environment(shell.env)),
    'status.json': () => readAgent(shell, flags, async (agent) => json(await agent.status())),
    'runs.jsonl': () =>
      readAgent(shell, flags, async (agent) =>
        lines((await agent.runs({ all: true, limit: RUNS_MAX })).runs.map(runIndex)),
      ),
    'journal.jsonl': () =>
      readAgent(shell, flags, async (agent) =>
        lines((await agent.journal({ limit: ROWS_MAX })).rows.map(entryIndex)),
      ),
    'logs.jsonl': () =>
      withAgent(shell, flags, async (agent) =>
        lines((await agent.logs({ after: 0, limit: LOG_LINES_MAX })).lines.map(logIndex)),
      ),
    'unit.txt': unit,
  };
  const parts: DiagPart[] = [];
  for (const [path, make] of Object.entries(making)) {
    try {
      parts.push({ path, text: await make() });
    } catch (error) {
      parts.push({ path: `${path}.missing`, text: `${messageOf(error)}\n` });
    }
  }
  return [...parts, ...(await pluginParts(flags.plugins ?? PLUGIN_DIR))];
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

function machine() {
  return {
    ...{ agent: agentVersion, node: process.versions.node, platform: platform(), arch: arch() },
    ...{ kernel: release(), cpus: cpus().length, load: loadavg(), uptimeS: Math.round(uptime()) },
    ...{ memoryBytes: totalmem(), memoryFreeBytes: freemem() },
  };
}

/** What of the environment is meant for this program. */
function environment(env: Shell['env']) {
  const meant = Object.entries(env).filter(([name]) => /^(?:HOLDFAST_|NODE_OPTIONS$)/.test(name));
  return Object.fromEntries(meant);
}

/** What runs are stuck of is said by code that is not ours. */
function withoutWords<F extends { readonly check: string; readonly text: string }>(finding: F): F {
  if (finding.check !== 'runs') return finding;
  return { ...finding, text: finding.text.replace(/: [^]*$/, '') };
}

/** A run without what it was given, says and returned. */
function runIndex({ id, workflow, version, state, at, attempt, error, ...times }: RunView) {
  const { startedAt, updatedAt, nextAt } = times;
  return {
    ...{ id, workflow, version, state, at, attempt, startedAt, updatedAt, nextAt },
    error: error && { name: error.name, code: error.code },
  };
}

/** An entry without what it carries. */
function entryIndex({ lane, seq, at, clock, kind, run, name, bytes, synced }: JournalRow) {
  return { lane, seq, at, clock, kind, run, name, bytes, synced };
}

/** Of a run, a line may have words of its code. */
function logIndex({ fields, ...line }: LogRow) {
  const isOfRun = 'run' in fields;
  const told = Object.entries(fields).filter(([name]) => !isOfRun || name !== 'why');
  return { ...line, fields: Object.fromEntries(told) };
}

async function unit(): Promise<string> {
  const names = ['ActiveState', 'SubState', 'Result', 'NRestarts', 'ExecMainStatus', 'MemoryMax'];
  const args = ['show', 'holdfast.service', '--property', names.join(',')];
  return (await promisify(execFile)('systemctl', args, { timeout: UNIT_MS_MAX })).stdout;
}
