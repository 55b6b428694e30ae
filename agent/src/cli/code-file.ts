import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { isWorkflow, type Workflow } from '../core/workflow.ts';
import { readSchedules, type ScheduleSpec } from './code-schedules.ts';

/** What a file of workflows brings along. */
export interface Code {
  readonly workflows: readonly Workflow[];
  readonly schedules: readonly ScheduleSpec[];
}

/** A module that waits for something at its top level would keep the agent from starting. */
const LOAD_MS_MAX = 30_000;

/**
 * Loads an ES module and collects the workflows and schedules it exports.
 *
 * @throws HF_CODE_UNREADABLE, naming file and line where they are known.
 */
export async function loadCode(file: string): Promise<Code> {
  const path = resolve(file);
  await checkFile(path);
  const exported = await importWithin(path, LOAD_MS_MAX);
  const workflows = collectWorkflows(exported);
  if (workflows.length === 0) throw unreadable(`${path} exports no workflow`);
  return { workflows, schedules: readSchedules(exported['schedules'], path, workflows) };
}

function unreadable(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_CODE_UNREADABLE', { why, cause });
}

async function checkFile(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) throw unreadable(`${path} is not a file`);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw unreadable(messageOf(error));
  }
}

async function importWithin(
  path: string,
  limitMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `${path} was not loaded within ${limitMs / 1_000} s`;
    timer = setTimeout(() => reject(unreadable(why)), limitMs);
  });
  try {
    const exported: unknown = await Promise.race([import(pathToFileURL(path).href), late]);
    return exported as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HF_CODE_UNREADABLE') throw error;
    throw unreadable(`${placeOf(error, path)}: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Where an error of loading is: `file:line`, or the file alone. */
function placeOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return path;
  const frame = /^\s+at .*?(file:\/\/[^\s()]+?):(\d+):\d+\)?$/m.exec(error.stack ?? '');
  if (frame?.[1] !== undefined) return `${fileURLToPath(frame[1])}:${frame[2]}`;
  return error instanceof SyntaxError ? placeOfSyntaxError(path) : path;
}

/** Node tells the line of a syntax error only to a process that ends by it. */
function placeOfSyntaxError(path: string): string {
  const check = spawnSync(process.execPath, ['--check', path], {
    encoding: 'utf8',
    timeout: 5_000,
  });
  const place = /^(?:file:\/\/)?(\/.*):(\d+)$/m.exec(check.stderr ?? '');
  if (place?.[1] === undefined) return `${path}, or a file that it imports`;
  return `${decodeURI(place[1])}:${place[2]}`;
}

/** One export under two names is one workflow. */
function collectWorkflows(exported: Readonly<Record<string, unknown>>): readonly Workflow[] {
  return [...new Set(Object.values(exported).filter(isWorkflow))];
}
